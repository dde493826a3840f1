// What a diagnosis goes by: the analytic and the numeric derivative with respect to one input, as
// tensors whose axes mean something.
#pragma once

#include <cmath>
#include <set>
#include <string>
#include <utility>

#include "autograd/gradcheck.h"

namespace adjoint::checking {

/// Both derivatives as tensors [leading…, axes of the input…]. The leading axes are those of the
/// output where every output was differentiated by itself (a Jacobian); else there is one, of
/// random cotangents. What could not be measured precisely is NaN in `numeric`.
struct Evidence {
  int input;
  std::string name;
  Tensor analytic, numeric;
  Index leading;
  bool jacobian;
  bool linear;   ///< whether the gradient of a random cotangent is that of its elements, added up
  double noise;  ///< below this a derivative may be a rounding error

  explicit Evidence(const Measurement& measurement);

  Index rank() const { return analytic.rank() - leading; }                         ///< of the input
  Shape shape() const { return analytic.shape().part(leading, analytic.rank()); }  ///< likewise
  Index axis(Index of_input) const { return leading + of_input; }
  /// The axes along which a mistake may have confused elements, those of the input first.
  std::vector<Index> axes() const;
  /// "axis 1 of the gradient", "axis 0 of the cotangent"
  std::string axis_name(Index axis) const;

  /// Whether the two differ: whether there is a mistake to be explained.
  bool wrong() const;
  /// Whether the analytic derivative is this, as far as it can be told: where the prediction is
  /// not NaN, which has to cover half of all that is wrong.
  bool explained_by(const Tensor& prediction) const;
  bool is_zero(double derivative) const { return !(std::abs(derivative) > noise); }
};

/// An axis of the output and one of the input, of equal size, that depend on each other index by
/// index: the Jacobian is zero wherever the two indices differ. softmax over the last axis ties
/// every other axis to itself; a sum over axis 0 of three ties 0 to 1 and 1 to 2.
using Tie = std::pair<Index, Index>;
std::set<Tie> ties(const Evidence& evidence, const Tensor& jacobian);

/// The largest absolute value, of what is finite.
double largest(const Tensor& x);
/// The index along one axis of the element with that number.
Index index_along(const Shape& shape, Index axis, Index element);

}  // namespace adjoint::checking
