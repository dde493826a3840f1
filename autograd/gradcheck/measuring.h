// Both derivatives of a function at its inputs, side by side: the analytic one from the sweep, the
// numeric one from differences, for some cotangents at once.
#pragma once

#include <utility>
#include <vector>

#include "autograd/gradcheck/difference.h"
#include "autograd/gradcheck/flat_function.h"

namespace adjoint::checking {

/// An estimated error is of the order of the true one, not a bound on it: so much is allowed.
constexpr double safety = 10;
/// Terms that cancel leave their rounding errors behind: where the largest derivative is 1, nothing
/// is said of smaller ones than this.
constexpr double smallest_of_interest = 1e-9;

/// The derivatives along one line through the inputs: one entry for each cotangent.
struct Slopes {
  Vector analytic;
  std::vector<Derivative> numeric;
  Vector norms;           ///< of the gradient whose part along the line this is
  double negligible = 0;  ///< less than this is rounding beside other derivatives

  bool any_kink() const;
  /// Whether they are equal, up to the error of the numeric one; at a kink, whether the analytic
  /// one lies between the slopes of both sides. `allowance` multiplies the tolerance.
  bool agree(std::size_t cotangent, double allowance = 1) const;
  bool all_agree() const;
};

/// How sure to be before both derivatives are said to differ: all steps tried, or a glaring
/// difference at some, which is enough where it leads only to a closer look.
enum class Care { full, hint };

class Measuring {
 public:
  /// `feigned`: size of outputs that rounding may feign, where they are gradients themselves.
  Measuring(const FlatFunction& f, double feigned, const GradcheckOptions& options, Key key);

  /// Random ones first; then, where the Jacobian is small, all single outputs.
  const std::vector<Cotangent>& cotangents() const { return cotangents_; }
  const std::vector<Vector>& gradients() const { return gradients_; }
  /// The size that steps in an input element are measured by.
  double scale(Index i) const { return scales_[static_cast<std::size_t>(i)]; }

  /// The largest derivative with any cotangent, in units of input i: what counts is the change of
  /// the outputs while an input moves by its scale. Never less than their rounding can feign.
  double largest_derivative(Index i) const { return largest_effect_ / scale(i); }
  /// What rounding can feign in any input's unit.
  double feigned_derivative() const;

  Slopes element(Index i) const;
  /// Along a random normal direction in the given elements, each in units of its scale.
  Slopes random_line(const std::vector<Index>& elements, Key key, Care care) const;

 private:
  using Line = std::vector<std::pair<Index, double>>;  // the elements that move, and how fast

  void choose_cotangents(int random, bool single_outputs, Key key);
  void choose_scales();
  void find_largest_effect();
  double noise(const Cotangent& cotangent, const Vector& gradient) const;
  Slopes along(const Line& line, double step, double negligible, Care care) const;
  Vector change(const Line& line, double h) const;
  Vector rounding_of_values() const;

  const FlatFunction& f_;
  std::vector<Cotangent> cotangents_;
  std::vector<Vector> gradients_;  // for each cotangent
  Vector noise_;                   // for each cotangent
  Vector scales_;                  // for each input element
  double largest_effect_ = 0;      // of any input on any output, moving by its scale
  double feigned_effect_ = 0;      // the least it is taken for
};

}  // namespace adjoint::checking
