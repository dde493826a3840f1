// The data for a diagnosis: both derivatives with respect to one input, as tensors whose axes have
// a meaning.
#pragma once

#include <cmath>
#include <set>
#include <string>
#include <utility>

#include "autograd/gradcheck/flat_function.h"

namespace adjoint::checking {

/// Both derivatives as tensors [leading…, axes of the input…]. For a Jacobian, where every output
/// was differentiated separately, the leading axes are those of the output; otherwise there is one,
/// over random cotangents. Elements without a precise measurement are NaN in `numeric`.
struct Evidence {
  int input;
  std::string name;
  Tensor analytic, numeric;
  Index leading;
  bool jacobian;
  bool linear;   ///< whether the gradient of a random cotangent is the sum over its elements
  double noise;  ///< a smaller derivative may be a rounding error

  explicit Evidence(const Measurement& measurement);

  Shape shape() const { return analytic.shape().part(leading, analytic.rank()); }  ///< of the input
  Index rank() const { return analytic.rank() - leading; }                         ///< of the input
  /// The axes along which a mistake may have confused elements, those of the input first.
  std::vector<Index> axes() const;
  /// "axis 1 of the gradient", "axis 0 of the cotangent"
  std::string axis_name(Index axis) const;

  /// Whether the derivatives differ, so that there is a mistake to explain.
  bool wrong() const;
  /// Whether the analytic derivative equals the prediction wherever that is not NaN. The prediction
  /// must cover at least half of the elements that are wrong.
  bool explained_by(const Tensor& prediction) const;
  bool is_zero(double derivative) const { return !(std::abs(derivative) > noise); }
};

/// An output axis and an input axis of equal size that are coupled index by index: the Jacobian is
/// zero wherever the two indices differ. softmax over the last axis ties every other axis to
/// itself; a sum over axis 0 of three ties output axis 0 to input axis 1, and 1 to 2.
using Tie = std::pair<Index, Index>;
std::set<Tie> ties(const Evidence& evidence, const Tensor& jacobian);

/// The largest absolute value among finite elements.
double largest(const Tensor& x);

}  // namespace adjoint::checking
