// The derivatives of the function under check, by the sweep and by finite differences.
#pragma once

#include <utility>
#include <vector>

#include "autograd/gradcheck/flat_function.h"
#include "autograd/gradcheck/numeric_derivative.h"

namespace adjoint::checking {

/// The estimated error has the order of the true one but is no bound: allow this many times more.
constexpr double safety = 10;
/// Terms that cancel leave rounding errors behind: derivatives smaller than this part of the
/// largest are not judged.
constexpr double smallest_of_interest = 1e-9;

/// The derivatives along one line through the inputs, with one entry for each cotangent.
struct Slopes {
  Vector analytic;
  std::vector<Derivative> numeric;
  Vector norms;           ///< along a random line: of the gradient's elements that move
  double negligible = 0;  ///< anything smaller is rounding beside other derivatives

  bool any_kink() const;
  double tolerance(std::size_t cotangent) const;
  /// Whether both are equal within `allowance` tolerances; at a kink, whether the analytic one lies
  /// between the one-sided slopes.
  bool agree(std::size_t cotangent, double allowance = 1) const;
  bool all_agree() const;
};

/// When to call the derivatives different: after all steps, or, where that only triggers a closer
/// look, as soon as one step shows a glaring difference.
enum class Care { full, hint };

struct Differentiator {
  const FlatFunction& f;
  /// Random ones first; then, if the Jacobian is small, one for each output element.
  std::vector<Cotangent> cotangents;
  std::vector<Vector> gradients;  ///< for each cotangent
  Vector noise;                   ///< for each cotangent: the rounding error of ⟨ȳ, f⟩
  Vector scales;                  ///< for each input element: the unit of its steps
  /// The largest change of ⟨ȳ, f⟩ while an input element moves by its scale.
  double largest_effect = 0;
  double effect_of_rounding;  ///< what rounding can feign, a lower bound of largest_effect

  /// `rounding`: how large rounding alone can make the outputs, if they are gradients themselves.
  Differentiator(const FlatFunction& f, double rounding, const GradcheckOptions& options, Key key);

  /// The largest derivative of any cotangent by any input, in units of input i.
  double largest_derivative(Index i) const { return largest_effect / scales[at(i)]; }
  /// The largest derivative that rounding alone can cause, in any input's unit.
  double rounding_of_gradients() const;

  Slopes along_element(Index i) const;
  /// Along a random normal direction in these elements, each in units of its scale.
  Slopes along_random_line(const std::vector<Index>& elements, Key key, Care care) const;

 private:
  using Line = std::vector<std::pair<Index, double>>;  // the elements that move, and their speeds
  Slopes along(const Line& line, double step, double negligible, Care care) const;
  Vector change(const Line& line, double h) const;
};

}  // namespace adjoint::checking
