// The function under check as a map of plain vectors: the elements of all its real inputs, one
// after the other, to those of all its real outputs.
#pragma once

#include <string>
#include <vector>

#include "autograd/gradcheck.h"

namespace adjoint::checking {

using Vector = std::vector<double>;

/// A cotangent: that of a single output element, or any.
struct Cotangent {
  std::string name;
  Index single = -1;  ///< the output element whose weight is 1 while all others are 0
  Vector weights;     ///< if not single

  double operator()(const Vector& values) const;
};

/// Which tensor an element of the flat vector lies in, and where.
struct Place {
  int tensor;
  Index element;
};

class FlatFunction {
 public:
  /// Evaluates and records f at the inputs: f64, or integer or boolean constants.
  FlatFunction(Function f, Tensors inputs, std::vector<std::string> names);

  const Vector& point() const { return point_; }
  const Vector& values() const { return values_; }  ///< at that point
  Vector values_at(const Vector& point) const;      ///< at another one
  Vector gradient(const Cotangent& cotangent) const;

  Index inputs() const { return static_cast<Index>(point_.size()); }
  Index outputs() const { return static_cast<Index>(values_.size()); }
  Place input_place(Index i) const { return place(inputs_, i); }
  std::string input_name(Index i) const;                            ///< "weight[1, 2]"
  std::string output_name(Index j) const;                           ///< "output 0[3]"
  const std::vector<std::string>& names() const { return names_; }  ///< of the input tensors
  const Tensors& input_tensors() const { return inputs_; }
  const Tensors& output_tensors() const { return outputs_; }

  /// A cotangent, or any vector over the real outputs, as tensors of their forms. Where a single
  /// element counts, the other outputs get none, or zeros if asked for.
  Tensors as_outputs(const Cotangent& cotangent, bool zeros = false) const;

 private:
  static Place place(const Tensors& tensors, Index i);

  Function f_;
  Tensors inputs_, outputs_;
  std::vector<std::string> names_;
  Vector point_, values_;
};

/// The tensors, the real ones among them tracked.
Tensors with_variables(Tensors tensors);
/// All elements of the real ones among the tensors, one after the other.
Vector flatten(const Tensors& tensors);
/// g(x, ȳ) = x̄, where f has `count` inputs: what the next order checks.
Function gradient_of(Function f, std::size_t count);

}  // namespace adjoint::checking
