// What the tests of the expression language share.
#pragma once

#include <string>
#include <vector>

#include "examples/explain/evaluator.h"
#include "examples/explain/parser.h"

namespace adjoint::testing {

/// What a text evaluates to.
inline expression::Evaluation evaluated(const std::string& text, DType dtype = DType::f64) {
  return expression::evaluate(expression::parse(text), {.dtype = dtype});
}
inline Tensor value_of(const std::string& text) { return evaluated(text).result; }

/// What the Problem with a text says, column included; a NaN in the result counts as one. "fine" if
/// there is none.
inline std::string problem_of(const std::string& text) {
  expression::Program program;
  try {
    expression::parse_into(program, text);
    const auto evaluation = expression::evaluate(program);
    return evaluation.nan ? program.text_of(*evaluation.nan) : "fine";
  } catch (const expression::Problem& problem) {
    return program.text_of(problem);
  }
}

inline std::string repeated(const std::string& text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

}  // namespace adjoint::testing
