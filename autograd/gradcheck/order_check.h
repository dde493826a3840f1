// The check of one function in one order: chooses what to measure and judges the results.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "autograd/gradcheck/differentiator.h"

namespace adjoint::checking {

class OrderCheck {
 public:
  /// Findings, measurements and coverage go into `report`.
  OrderCheck(const FlatFunction& f, int order, double rounding, const GradcheckOptions& options,
             GradcheckReport& report);

  /// Checks all elements except those left out: kinks known from the order before.
  void run(const std::set<Index>& left_out);

  /// All elements without a derivative, those left out included.
  std::set<Index> kinks() const;
  /// How large rounding alone can make the gradients, which are the next order's outputs.
  double rounding_of_gradients() const { return both_.rounding_of_gradients(); }
  /// What the next order takes as ȳ.
  Tensors first_cotangent() const { return f_.as_outputs(cotangents()[0]); }

 private:
  using Kind = Finding::Kind;
  const std::vector<Cotangent>& cotangents() const { return both_.cotangents; }

  // Preconditions: each adds a finding and returns false if it does not hold
  bool has_finite_values();
  bool is_repeatable();
  bool vanishes_for_zero();

  // Strategy
  void compare();
  void project();
  void bisect(Index begin, Index end);

  // Measuring
  void measure(Index i);
  Slopes along_random_line(Index begin, Index end, Key key, Care care) const;
  void note_precision(const Slopes& slopes);

  // Judging and reporting
  std::optional<Kind> judge(const Slopes& slopes, std::size_t r, double scale) const;
  void judge_all();
  Finding finding(Kind kind, Index i, const Slopes& slopes, std::size_t r) const;
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
  // The largest derivative, analytic or numeric, for each cotangent and input tensor.
  std::map<std::pair<std::size_t, int>, double> largest_;
  Index wrong_ = 0;  // measured elements that failed, counted once for each cotangent
};

}  // namespace adjoint::checking
