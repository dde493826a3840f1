// The check of one function in one order: chooses what to measure and judges the results.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "autograd/gradcheck/differentiator.h"
#include "autograd/gradcheck/kinks.h"

namespace adjoint::checking {

class OrderCheck {
 public:
  /// Findings, measurements and coverage go into `report`.
  /// Elements left out are not checked: kinks known from the order before.
  OrderCheck(const FlatFunction& f, int order, const std::set<Index>& left_out,
             const GradcheckOptions& options, GradcheckReport& report);

  void run();

  /// All elements without a derivative, those left out included.
  std::set<Index> kinks() const;
  /// What the next order takes as ȳ.
  Tensors first_cotangent() const { return f_.as_outputs(cotangents()[0]); }

 private:
  using Kind = Finding::Kind;
  const std::vector<Cotangent>& cotangents() const { return both_.cotangents; }

  // Preconditions: each adds a finding and returns false if it does not hold
  bool has_elements();
  bool has_finite_values();
  bool is_repeatable();
  bool vanishes_for_zero();

  // Strategy
  void compare();
  void find_saturated();
  void project();
  Slopes project_once(int number);
  void bisect(Index begin, Index end);
  void compare_along_kinks();
  bool report_along_kinks(const std::string& names, const Slopes& slopes, std::size_t r);

  // Measuring
  void measure(Index i);
  void measure_alike(Index i);
  void keep(Index i, const Slopes& slopes);
  bool exhausted() const;
  Slopes along_random_line(Index begin, Index end, Key key, Care care, bool balanced = false) const;
  void note_precision(const Slopes& slopes);

  // Judging and reporting
  bool decides_at_kinks(std::size_t r) const;
  double least_precision(const Slopes& slopes, std::size_t r) const;
  bool hidden(const Slopes& slopes, std::size_t r) const;
  bool too_imprecise(const Slopes& slopes, std::size_t r, double around) const;
  std::optional<Kind> judge(const Slopes& slopes, std::size_t r, double around) const;
  void judge_all();
  Finding finding(Kind kind, Index i, const Slopes& slopes, std::size_t r) const;
  std::string reason(const Slopes& slopes, std::size_t r) const;
  void keep_measurements();

  const FlatFunction& f_;
  int order_;
  const GradcheckOptions& options_;
  Key key_;
  GradcheckReport& report_;
  Differentiator both_;
  Coverage coverage_;
  std::set<Index> left_out_;
  std::map<Index, Slopes> measured_;
  // The largest derivative, analytic or numeric, for each cotangent and input tensor, in units of
  // the elements' scales.
  std::map<std::pair<std::size_t, int>, double> largest_;
  double smallest_jump_ = 0;  // anything lower may be rounding
  Index quick_kinks_ = 0;     // that were found without all steps
  Index wrong_ = 0;           // measured elements that failed, counted once for each cotangent
};

}  // namespace adjoint::checking
