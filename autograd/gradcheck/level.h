// The check of one function at one order: which elements are measured, and what that shows.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "autograd/gradcheck/measuring.h"

namespace adjoint::checking {

class Level {
 public:
  Level(const FlatFunction& f, int order, double feigned, const GradcheckOptions& options,
        GradcheckReport& report);

  /// Looks at everything but the elements left out: kinks known from the order before.
  void check(const std::set<Index>& left_out);

  /// Elements without a derivative, now and before.
  std::set<Index> kinks() const;
  /// What rounding can feign in the gradients, which are the outputs of the next order.
  double feigned() const { return measuring_.feigned_derivative(); }
  /// What the next order takes as ȳ.
  Tensors cotangents_used() const { return f_.as_outputs(cotangents()[0]); }

 private:
  using Kind = Finding::Kind;
  const std::vector<Cotangent>& cotangents() const { return measuring_.cotangents(); }

  // Strategy
  bool vanishes_for_zero();
  void compare();
  void project();
  void search(Index begin, Index end);

  // Measuring
  void measure(Index i);
  Slopes random_line(Index begin, Index end, Key key, Care care) const;
  static bool agree(const Slopes& slopes);
  void note_precision(const Slopes& slopes);

  // Judging
  std::optional<Kind> judge(const Slopes& slopes, std::size_t r, double scale) const;
  void judge();
  using Scales = std::map<std::pair<std::size_t, int>, double>;  // by cotangent and input tensor
  Scales largest_derivatives() const;

  // Reporting
  Finding finding(Kind kind, Index i, const Slopes& slopes, std::size_t r) const;
  void report_along_line();
  void keep_measurements();
  Measurement measurement(int number, Index begin, Index end, const Tensor& cotangents) const;

  const FlatFunction& f_;
  int order_;
  const GradcheckOptions& options_;
  Key key_;
  GradcheckReport& report_;
  Measuring measuring_;
  Coverage coverage_{};
  std::set<Index> left_out_;
  std::map<Index, Slopes> measured_;
  std::optional<Slopes> along_line_;  // the first random line that disagreed
  Index wrong_ = 0;                   // derivatives that failed so far
};

}  // namespace adjoint::checking
