// The derivatives of the function under check, by the sweep and by finite differences.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "autograd/gradcheck/bounds.h"
#include "autograd/gradcheck/numeric_derivative.h"
#include "autograd/gradcheck/rounding.h"

namespace adjoint::checking {

/// The estimated error has the order of the true one but is no bound: allow this many times more.
constexpr double safety = 10;
/// A jump, or a difference between a derivative and its rounding, that is smaller than this part
/// of the largest derivative means nothing.
constexpr double smallest_of_interest = 1e-9;

/// The derivatives along one line through the inputs, with one entry for each cotangent.
struct Slopes {
  Vector analytic;
  Vector rounding;  ///< of the analytic ones, as it was measured
  std::vector<Derivative> numeric;
  Vector norms;             ///< along a random line: of the gradient's elements that move
  std::string thrown = {};  ///< what f said when it threw at a step: "at x − 0.125: …"

  bool any_kink() const;
  double tolerance(std::size_t cotangent) const;
  /// Whether both are equal within `allowance` tolerances; at a kink, whether the analytic one lies
  /// between the one-sided slopes.
  bool agree(std::size_t cotangent, double allowance = 1) const;
  bool all_agree() const;
  /// Whether the smooth ones are known to as many digits as a verdict may need.
  bool all_precise() const;
  /// Takes numeric derivatives of larger steps that are known better and confirm both the analytic
  /// ones and those of smaller steps. Others may not be local.
  void take_confirmed(const Slopes& of_larger_steps);
  /// Takes numeric derivatives of smaller steps that are known better, or well enough to contradict
  /// those of larger ones, which may not be local.
  void take_better(const Slopes& of_smaller_steps);
  /// Whether both are too small for the differences to see.
  bool vanish(std::size_t cotangent) const;
  /// Whether nothing moves along the line, for any cotangent.
  bool dormant() const;
};

/// When to call the derivatives different: after all steps, or, where that only triggers a closer
/// look, as soon as one step shows a glaring difference.
enum class Care { full, hint };

struct Differentiator {
  const FlatFunction& f;
  Bounds bounds;
  /// Random ones first; then, if the Jacobian is small, one for each output element.
  std::vector<Cotangent> cotangents;
  std::vector<Vector> gradients;  ///< for each cotangent
  Rounding rounding;
  Vector scales;             ///< for each input element: the unit of its steps
  std::vector<int> tensors;  ///< for each input element: the tensor it belongs to
  /// The largest change of ⟨ȳ, f⟩ while an input element moves by its scale.
  double largest_effect = 0;

  /// Elements in `fixed` do not move.
  Differentiator(const FlatFunction& f, const std::set<Index>& fixed,
                 const GradcheckOptions& options, Key key);

  /// The largest derivative of any cotangent by any input, in units of input i.
  double largest_derivative(Index i) const { return largest_effect / scales[at(i)]; }

  /// If `precise`, other steps are tried as well where too few digits are known.
  Slopes along_element(Index i, bool precise = true) const;
  /// Along two elements together, one of them moved `speed` times as fast as the other.
  Slopes along_both(Index i, double speed_i, Index k, double speed_k) const;
  /// Along elements that are at a kink, all equally fast.
  Slopes along_all(const std::vector<Index>& elements) const;
  /// Along a random normal direction in these elements, each in units of its scale. If `balanced`,
  /// the elements of each input are slowed down until all inputs have the same effect.
  Slopes along_random_line(const std::vector<Index>& elements, Key key, Care care,
                           bool balanced = false) const;
  /// The slopes beside element i if a few small steps show a kink there. Cheaper than all steps.
  std::optional<Slopes> quick_kink(Index i) const;

  /// f(x) − f(the point), or nothing if x is outside the domain. `words` are what f threw.
  std::optional<Vector> change_to(const Vector& x, std::string* words = nullptr) const;
  /// The largest change that a cotangent sees at x, relative to its noise; 0 outside the domain.
  double visible_change(const Vector& x) const;

 private:
  Slopes analytic_along(const Line& line) const;
  /// `noise` is what the values are known to have, at least, for each cotangent.
  Slopes along(const Line& line, double step, Care care, Vector noise) const;
  Slopes along(const Line& line, double step, Care care) const {
    return along(line, step, care, rounding.values);
  }
  std::vector<Vector> changes_near(const Line& line, double h) const;
  bool is_staircase(const std::vector<Vector>& changes, const Cotangent& seen) const;
  std::optional<Vector> change(const Line& line, double h, Slopes& slopes) const;
  Vector effects() const;

  bool single_ = false;  // whether f computes in f32: x ± h must not be rounded there
};

}  // namespace adjoint::checking
