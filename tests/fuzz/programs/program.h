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
  std::vector<std::size_t> operands;  ///< the positions of the values it takes, perhaps one twice
  std::function<Tensors(const Tensors&)> apply;  ///< computes the results from the operands
  /// False where finite differences do not apply: constants, rounding, detached results.
  bool smooth = true;
};

/// A program: values[0 … inputs − 1] are given, each step appends its results.
struct Program {
  Tensors inputs;
  std::vector<Step> steps;
  std::vector<std::size_t> first;  ///< the position of each step's first result
  Tensors values;                  ///< the inputs and the results of all steps
};

/// Draws steps until the choices end. A step that throws an Error is left out; any other exception
/// ends the program.
Program draw_program(Choices& choices, DType dtype);

/// Draws the operands and arguments of a step.
struct Drawing {
  Choices& choices;
  const Tensors& values;  ///< computed so far

  std::size_t operand();  ///< the position of a value, more often a late one
  const Tensor& at(std::size_t operand) const { return values[operand]; }
  Index axis(const Tensor& x);  ///< usually an axis of x
  Axes axes(const Tensor& x);
  Keep keep() { return choices.coin() ? Keep::yes : Keep::no; }
  Index size();  ///< 0 to 4; sometimes 2⁴⁰, −1 or 2⁶³ − 1
  Shape shape();
  double number();  ///< small, or 0, −0, ∞, NaN, huge, tiny
  Tensor indices(const Shape& shape, Index classes);
  Tensor booleans(const Shape& shape);
  DType dtype() const { return values[0].dtype(); }
  /// An operand of this shape, if there is one; otherwise any operand.
  std::size_t operand_of(const Shape& shape);
};

struct Operation {
  const char* name;
  Step (*draw)(Drawing&);
};
const std::vector<Operation>& operations();

}  // namespace adjoint::fuzz
