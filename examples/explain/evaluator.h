// The value of a program.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "autograd/tensor.h"
#include "examples/explain/syntax.h"

namespace adjoint::expression {

struct EvaluationOptions {
  DType dtype = DType::f64;          ///< of the inputs
  Index most_elements = 1'000'000;   ///< of one tensor
  Index most_computed = 50'000'000;  ///< elements of all results together
  /// Values to use for these inputs, in place of variables made from those in the program.
  std::map<std::string, Tensor> variables = {};
};

struct Evaluation {
  Tensor result;
  /// The inputs that were used as real tensors, in the order of their statements: names, and
  /// variables of these names. An input is a name whose value depends on no other input.
  std::vector<std::string> names;
  Tensors variables;
  /// If the result has a NaN: what gave the first one on the way to it.
  std::optional<Problem> nan;
};

/// Runs the statements. Every operation is recorded, if recording is on. Problem, at its column,
/// where a name has no value or gets a second one, an operation refuses what it is given, or a
/// result is too large; and if a value is never used.
Evaluation evaluate(const Program& program, const EvaluationOptions& options = {});

}  // namespace adjoint::expression
