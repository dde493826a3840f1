// The gradient checker: is what the sweep returns the derivative of what the function computes?
//
//   BOOST_TEST(gradcheck([](const Tensors& x) { return Tensors{softmax(x[0])}; }, {scores}));
//
// It compares each derivative with finite differences. Their step and their error are found element
// by element, so the tolerance is derived, not chosen. gradcheck/README.md explains how to use it
// and how to read a failing report.
#pragma once

#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "autograd/functional.h"
#include "autograd/gradcheck/report.h"
#include "autograd/random.h"
#include "autograd/tensor.h"

namespace adjoint {

/// Where an input may be. No step of a finite difference leaves it; at its ends the differences are
/// one-sided.
struct Domain {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  std::optional<double> away_from = {};  ///< steps stay on their side of this value
  bool simplex = false;  ///< each row of the last axis is ≥ 0 and sums to 1, and keeps doing so
};

/// (inputs, u) ↦ J u: how the outputs change when the inputs move along u. An empty tensor means
/// zero: the tangent of an integer or boolean input, and that of an output which does not move.
using JvpFunction = std::function<Tensors(const Tensors& inputs, const Tensors& tangents)>;

/// What gradcheck() checks, and how strictly.
struct GradcheckOptions {
  int order = 1;  ///< the highest order to check: 2 also checks the gradient of the gradient
  Key key{1};     ///< for random cotangents and directions
  std::vector<std::string> names = {};  ///< of the inputs, see input_names()
  std::vector<Domain> domains = {};     ///< of the inputs; those that are not listed have none
  Index jacobian_up_to = 4096;  ///< check every output separately if inputs · outputs ≤ this
  Index elements_up_to = 4000;  ///< check every input element separately if there are at most n
  int cotangents = 2;           ///< number of random cotangents
  int projections = 4;          ///< random directions, if there are more elements than that
  int coordinates = 16;         ///< single elements checked beside those directions
  /// Two runs may differ by this part of the size of a value, as when sums are added in any order.
  double nondeterminism = 0;
  bool single = true;        ///< compare f and its vjp in f32 with f64, if f runs in both
  bool calls = true;         ///< call vjps twice, for some inputs only, at several sizes of ȳ
  bool allocations = false;  ///< count the buffers that f and its vjp make
  bool walk = true;          ///< after a failure, check each operation on the tape separately
  int taylor = 1;            ///< random directions for the Taylor rate; 0: none
  /// The tangents J u of f's outputs, if there is code of its own for them: see DotProduct.
  JvpFunction jvp = {};
};

/// Checks the derivatives of f at the inputs, in f64. Then f and its vjp are run in f32 and
/// compared with that (gradcheck/precision.h). If f does not run in f64, the differences are taken
/// in f32; the report says so. i64 and b8 inputs are constants. What a pass proves, up to the
/// precision of the numeric derivative, depends on the size of f:
///
/// - *Jacobian* (inputs · outputs ≤ jacobian_up_to): every ∂yⱼ/∂xᵢ, and every element of x̄ = Jᵀȳ
///   for random cotangents ȳ, which also exposes a vjp that is not linear in ȳ.
/// - *Elements* (inputs ≤ elements_up_to): every element of x̄ = Jᵀȳ for random normal ȳ. An error
///   in J that all of them miss is orthogonal to them, which has probability zero; an error can
///   only escape if it is small beside the rounding errors of the other outputs.
/// - *Projections* (more inputs): ⟨ȳ, J u⟩ = ⟨Jᵀȳ, u⟩ along random normal directions u, and single
///   elements. An error E of x̄ gives ⟨E, u⟩, normal with deviation ‖E‖, so one direction hides it
///   below a tolerance τ with probability about τ√(2/π)/‖E‖. The report states the size that all
///   directions miss with probability 1/1000. (Each input is measured in units of its own size.)
///   If a direction fails, bisection narrows the elements down to single ones.
///
/// Each output and each input is judged by itself, however large the others are. Where the
/// differences cannot tell a derivative to 1e-5 of its size (2e-3 if the values carry the digits of
/// f32; 1e-3 in higher orders), because rounding hides it, f is saturated, or no step follows f,
/// the verdict is *undecidable*.
///
/// Order 2 checks the function g(x, ȳ) = x̄ with respect to x and ȳ in the same way, order 3 the
/// gradient of that, and so on, up to the first order that fails. Then each operation on the tape
/// of f is checked alone, at the inputs it had, and the first that fails is named. Elements at a
/// kink are checked in order 1 only: the analytic derivative must lie between the two slopes.
///
/// Finite differences call f with recording off; if f differentiates something itself, it must use
/// functional.h. Error if f or an input is empty, if order < 1, or if no input or no output is
/// real, since nothing would be checked.
GradcheckReport gradcheck(const Function& f, const Tensors& inputs,
                          const GradcheckOptions& options = {});
/// The same for a function of one tensor.
GradcheckReport gradcheck(const TensorFunction& f, const Tensor& input,
                          const GradcheckOptions& options = {});

/// What reports call the inputs: the given names first, then those of variable(), else "input 0".
std::vector<std::string> input_names(const Tensors& inputs, std::vector<std::string> given = {});

}  // namespace adjoint
