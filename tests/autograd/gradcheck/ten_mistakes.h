// Ten mistakes that people make in derivatives. Each is here as an operation of the library and as
// a kernel on raw arrays, and in ten_mistakes.py as a NumPy program. The checker must find each in
// all three forms, and name it alike.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "autograd/gradcheck/arrays.h"

namespace adjoint::testing {

struct PlantedMistake {
  std::string name;      ///< of the function, the same as in ten_mistakes.py: "subtract"
  std::string mistake;   ///< "b̄ = ȳ, not −ȳ"
  Diagnosis::Kind kind;  ///< what it should be called
  std::string input;     ///< whose gradient is wrong
  std::vector<std::pair<std::string, Shape>> inputs;
  Shape output;
  std::function<Tensor(const Tensors& x)> f;
  std::function<Tensors(const Tensors& x, const Tensor& g)> rule;  ///< g is ȳ
  ArrayForward<double> forward;
  ArrayBackward<double> backward;

  GradcheckReport check_operation() const;
  GradcheckReport check_arrays() const;
  /// Whether the report has one diagnosis: this kind, of this input.
  bool named_by(const GradcheckReport& report) const;
};

std::vector<PlantedMistake> ten_mistakes();

}  // namespace adjoint::testing
