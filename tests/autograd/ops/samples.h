// One table of samples, from which the tests of operations_test.cpp and the program `gradcheck` are
// made: whoever adds an operation adds a row to its family in samples/, and has its derivatives of
// first and second order checked against finite differences, f32 against f64, the fused form
// against the composed one, and its errors.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "autograd/ops.h"

namespace adjoint::testing {

/// Where an operation is defined, and smooth as far as finite differences can see.
enum class Domain {
  any,             ///< standard normal
  positive,        ///< in [0.5, 2)
  away_from_zero,  ///< of either sign, at least 0.3
  distinct,        ///< no two elements of all inputs are closer than 0.05
};

constexpr double large = 1000, tiny = 1e-6;

struct Input {
  Shape shape;
  Domain domain = Domain::any;
  double size = 1;  ///< what is drawn from the domain is multiplied by: 1, `large` or `tiny`
};

struct Sample {
  std::string operation;  ///< the public function that it is a sample of
  std::string label;
  std::vector<Input> inputs;  ///< all of real type, and all are differentiated
  std::function<Tensor(const Tensors&)> f;
  /// Not for finite differences: its result is not real, or rounded.
  bool smooth = true;

  std::string name() const { return operation + " (" + label + ")"; }
  /// The inputs, in f64.
  Tensors make(Key key) const;
};

struct ErrorSample {
  std::string operation;
  std::string label;
  std::function<void()> call;
  std::string text;  ///< of the error, exactly
};

/// Those of all families; and the first one of each operation once more with large and with tiny
/// inputs, where its family has none.
const std::vector<Sample>& samples();
const std::vector<ErrorSample>& error_samples();

}  // namespace adjoint::testing
