// Random programs of the public operations.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "autograd/ops.h"
#include "tests/fuzz/harness.h"

namespace adjoint::fuzz {

/// One operation, with everything but the operands decided.
struct Step {
  std::string name;
  std::vector<std::size_t> operands;             ///< which values it takes; may name one twice
  std::function<Tensors(const Tensors&)> apply;  ///< to the operands
  /// False where finite differences do not apply: constants, rounding, detached results.
  bool smooth = true;
};

/// A program: values[0 … inputs − 1] are given, each step appends its results.
struct Program {
  Tensors inputs;
  std::vector<Step> steps;
  std::vector<std::size_t> first;  ///< of each step: the position of its first result
  Tensors values;                  ///< of all steps, computed once
};

/// Draws steps from the choices until they end. A step that throws an Error is left out; any other
/// exception ends the program.
Program draw_program(Choices& choices, DType dtype);

/// What a step is drawn from.
struct Drawing {
  Choices& choices;
  const Tensors& values;  ///< computed so far

  std::size_t operand();  ///< the position of a value, a late one more often
  const Tensor& at(std::size_t operand) const { return values[operand]; }
  Index axis(const Tensor& x);  ///< mostly one that x has
  Axes axes(const Tensor& x);
  Keep keep() { return choices.coin() ? Keep::yes : Keep::no; }
  Index size();  ///< 0 to 4; sometimes 2⁴⁰, −1 or 2⁶³ − 1
  Shape shape();
  double number();  ///< small, or 0, −0, ∞, NaN, huge, tiny
  Tensor indices(const Shape& shape, Index classes);
  Tensor booleans(const Shape& shape);
  DType dtype() const { return values[0].dtype(); }
  /// A tensor of this shape as an operand: a value that has it, if there is one.
  std::size_t operand_of(const Shape& shape);
};

struct Operation {
  const char* name;
  Step (*draw)(Drawing&);
};
const std::vector<Operation>& operations();

}  // namespace adjoint::fuzz
