// The function under check as a map between vectors, from the elements of all its real inputs to
// those of its real outputs.
#pragma once

#include <string>
#include <vector>

#include "autograd/gradcheck.h"

namespace adjoint::checking {

using Vector = std::vector<double>;

inline std::size_t at(Index i) { return static_cast<std::size_t>(i); }

/// Weights of the output elements: one of them alone, or any.
struct Cotangent {
  std::string name;
  Index single = -1;  ///< the output element whose weight is 1 while all others are 0
  Vector weights;     ///< if not single
  double operator()(const Vector& values) const;  ///< ⟨weights, values⟩
};

/// Where an element of the flat vector is: in which tensor, and which element of it.
struct Position {
  int tensor;
  Index element;
};

struct FlatFunction {
  Function f;
  Tensors xs;                      ///< its inputs, the real ones tracked
  std::vector<std::string> names;  ///< of the inputs
  Tensors ys;                      ///< f(xs), recorded
  Vector point, values;            ///< all real elements of xs and of ys

  /// Evaluates and records f at the inputs: f64, or integer or boolean constants.
  FlatFunction(Function f, Tensors inputs, std::vector<std::string> names);

  /// f at another point, without recording.
  Vector values_at(const Vector& other_point) const;
  /// The same function, evaluated and recorded at another point.
  FlatFunction at_point(const Vector& other_point) const;
  Vector gradient(const Cotangent& cotangent) const;
  /// A cotangent as tensors, one for each real output. A single element leaves the other outputs'
  /// tensors undefined, or zero if `zeros`.
  Tensors as_outputs(const Cotangent& cotangent, bool zeros = false) const;

  Index inputs() const { return std::ssize(point); }
  Index outputs() const { return std::ssize(values); }
  Position input_position(Index i) const;
  std::string input_name(Index i) const;   ///< "weight[1, 2]"
  std::string output_name(Index j) const;  ///< "output 0[3]"
};

/// Those with a real dtype.
Tensors real_ones(Tensors tensors);
/// The same tensors, with the real ones tracked.
Tensors with_variables(Tensors tensors);
/// All elements of the real tensors, tensor after tensor.
Vector flatten(const Tensors& tensors);
/// g(x, ȳ) = x̄, where f has `count` inputs: what the next order checks.
Function gradient_of(Function f, std::size_t count);

}  // namespace adjoint::checking
