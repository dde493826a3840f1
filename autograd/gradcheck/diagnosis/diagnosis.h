// Infers from the measured derivatives what kind of mistake makes them wrong.
//
// Possible mistakes are hypotheses that are tried one after the other. Each predicts the analytic
// derivative A that its mistake would make of the right (numeric) one N. The first hypothesis that
// predicts A is the diagnosis. Simple ones come before complicated ones, and those that predict
// every number before those that predict only where zeros are: a gradient that is twice too large
// would also pass for one that lacks a term, but not the reverse.
#pragma once

#include <cmath>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "autograd/gradcheck/differentiator.h"

namespace adjoint::checking {

/// Adds a diagnosis for each input with a wrong derivative in the last order that was checked.
void diagnose(GradcheckReport& report);

/// Both derivatives with respect to one input, as tensors [leading…, axes of the input…]. For a
/// Jacobian, where every output was differentiated separately, the leading axes are those of the
/// output; otherwise there is one, over random cotangents. Elements without a precise measurement
/// are NaN in `numeric`.
struct Evidence {
  int input;
  std::string name;
  Tensor analytic, numeric;
  Tensor x;  ///< the value of the input
  Tensor y;  ///< the value of the output, if it has leading axes of its own; otherwise empty
  std::pair<Tensor, Tensor> rows;  ///< both derivatives again: [all cotangents, elements of input]
  Index leading;
  bool jacobian;
  bool flat;     ///< whether one leading axis stands for all axes of the outputs
  bool linear;   ///< whether the gradient of a random cotangent is the sum over its elements
  double noise;  ///< a smaller derivative may be a rounding error

  /// Of all outputs, or, if there is a Jacobian, of the one with that number.
  explicit Evidence(const Measurement& measurement, std::optional<int> output = {});

  Shape shape() const { return analytic.shape().part(leading, analytic.rank()); }  ///< of the input
  Index rank() const { return analytic.rank() - leading; }                         ///< of the input
  /// The axes along which a mistake may have confused elements, those of the input first.
  std::vector<Index> axes() const;
  std::string axis_name(Index axis) const;  ///< "axis 0 of the cotangent"
  /// The first element for which it holds: "x[1, 2] for output[0]". Empty if none.
  std::string first(const std::function<bool(double a, double n)>& holds) const;

  /// Whether the derivatives differ, so that there is a mistake to explain.
  bool wrong() const;
  /// Whether the analytic derivative equals the prediction wherever that is not NaN. The prediction
  /// must cover at least half of the elements that are wrong.
  bool explained_by(const Tensor& prediction) const;
  bool is_zero(double derivative) const { return !(std::abs(derivative) > noise); }
};
using Evidences = std::vector<Evidence>;

/// An output axis and an input axis of equal size that are coupled index by index: the Jacobian is
/// zero wherever the two indices differ. softmax over the last axis ties every other axis to
/// itself; a sum over axis 0 of three ties output axis 0 to input axis 1, and 1 to 2.
using Tie = std::pair<Index, Index>;
std::set<Tie> ties(const Evidence& evidence, const Tensor& jacobian);

/// The largest absolute value among finite elements.
double largest(const Tensor& x);

struct Explanation {
  Diagnosis::Kind kind;
  std::string text;
  double factor = 0;
  bool vague = false;  ///< says little more than that the numbers are wrong
};
/// `all` are all inputs, the wrong one included.
using Hypothesis = std::optional<Explanation>(const Evidence& wrong, const Evidences& all);

// These predict every number from one number, or from sums (multiples_and_sums.cpp).
Hypothesis is_zero, is_multiple, is_imprecise, is_of_other_input, has_extra_sum, lacks_outputs,
    is_overwritten;
// These compare each number with the right one (elementwise.cpp).
Hypothesis is_not_linear, is_approximation, has_other_factor, is_complement, has_factor_by_row;
// These predict every number from the same numbers elsewhere (reordering.cpp).
Hypothesis is_transposed, has_transposed_factor, is_reversed, is_shifted, is_of_other_example;
// These predict where the derivative or the difference is zero (zero_pattern.cpp).
Hypothesis has_shifted_part, has_wrong_elementwise_mask, has_other_ties, has_wrong_mask,
    lacks_a_term;

}  // namespace adjoint::checking
