// The one question behind most properties: does a part of the output depend on a part of the input?
#pragma once

#include <functional>
#include <string>

#include "autograd/gradcheck.h"
#include "nn/checks/property_report.h"

namespace adjoint::nn {

struct PropertyOptions {
  Key key{1};                           ///< of random cotangents, contents and permutations
  std::vector<std::string> names = {};  ///< of the inputs; else those of variable(), or "input 0"
  /// What contents are replaced by, one tensor for each input, of its form. Where there is none, or
  /// it is not defined, each element is replaced by another one that occurs in the same tensor, so
  /// that ids stay ids and lengths stay lengths. Error where all are equal.
  Tensors others = {};
  /// Up to this part of an output's largest element two results count as equal; 0 means 10⁻¹⁰ in
  /// f64 and 10⁻⁴ in f32. A sum of a thousand terms in another order differs by 10⁻¹³ (10⁻⁵); what
  /// depends on random contents differs by something like the contents.
  double tolerance = 0;
};

/// The tolerance asked for, or that of the type.
double tolerance_for(DType dtype, double asked);

/// A part of some tensors: b8 of each one's shape; where not defined, nothing of it.
struct Part {
  std::string name;  ///< "the output of example 1", "the padding"
  Tensors members;
};
/// Of each tensor, all elements whose index along an axis fulfils a condition.
Part part_along(std::string name, const Tensors& xs, Index axis,
                const std::function<bool(Index)>& holds);
/// All there is.
Part whole(const Tensors& xs);
/// All elements of the rows [batch, step, …] for which it holds.
Tensor members_in_rows(const Shape& shape,
                       const std::function<bool(Index example, Index step)>& holds);

/// A function at its inputs, asked what depends on what. Findings go into the report.
class Independence {
 public:
  Independence(const Function& f, const Tensors& inputs, const PropertyOptions& options,
               PropertyReport& report);

  const Tensors& inputs() const { return inputs_; }
  const Tensors& outputs() const { return outputs_; }
  std::string input_name(std::size_t i) const;

  /// Checks that nothing in `guarded` (of the outputs) depends on anything in `hidden` (of the
  /// inputs), in two ways. The block of the Jacobian is zero: a random cotangent on `guarded`
  /// yields exact zeros in `hidden`. And `guarded` stays what it is when `hidden` is replaced, one
  /// input after the other: this also sees what has no gradient, such as ids, lengths and masks.
  void require_none(const Part& guarded, const Part& hidden);
  /// The gradient of a random weighting of the part: one for each input; not defined where the
  /// input is not real.
  Tensors gradients(const Part& guarded);
  /// Checks that these outputs, got in another way, equal the function's own within a part.
  /// `circumstance`: "with padding longer by 3".
  void require_equal(const Tensors& actual, const Part& part, const std::string& circumstance);
  /// f at other inputs, unrecorded. Error when it has another number of outputs there.
  Tensors evaluate(const Tensors& inputs) const;

 private:
  void require_no_gradient(const Part& guarded, const Part& hidden);
  Tensor replaced(std::size_t i, const Tensor& members);

  Function f_;
  PropertyOptions options_;
  PropertyReport& report_;
  Tensors inputs_, outputs_;
  std::uint64_t draws_ = 0;
};

/// Checks that two tensors are equal, up to the tolerance, in the elements of `members` (all, where
/// it is not defined), and adds a violation where they are not. Error when the shapes differ.
void compare(const std::string& name, const Tensor& actual, const Tensor& expected,
             const Tensor& members, const std::string& circumstance, double tolerance,
             PropertyReport& report);

}  // namespace adjoint::nn
