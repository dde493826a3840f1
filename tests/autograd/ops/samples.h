// The table of samples from which operations_test.cpp and the program `gradcheck` make their tests.
// A new operation gets a row in its family's file in samples/. From it follow the checks of its
// first and second derivatives against finite differences, of f32 against f64, and of the fused
// form against the composed one.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "autograd/ops.h"

namespace adjoint::testing {

/// Where an operation is defined and smooth at the scale of finite differences.
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
  double size = 1;  ///< multiplies what is drawn from the domain: 1, `large` or `tiny`
};

struct Sample {
  std::string operation;  ///< the public function that it samples
  std::string label;
  std::vector<Input> inputs;  ///< all real, and all differentiated
  std::function<Tensor(const Tensors&)> f;
  /// False if finite differences do not apply: the result is not real, or it is rounded.
  bool smooth = true;

  std::string name() const { return operation + " (" + label + ")"; }
  /// The inputs, in f64.
  Tensors make(Key key) const;
};

/// Whether the sample of this label has numbers so large, tiny or nearly equal that rounding may
/// hide a derivative: then a gradient check may be undecidable.
inline bool is_extreme(const std::string& label) {
  for (const char* word : {"large", "tiny", "nearly constant"})
    if (label.find(word) != std::string::npos) return true;
  return false;
}

struct ErrorSample {
  std::string operation;
  std::string label;
  std::function<void()> call;
  std::string text;  ///< of the error, exactly
};

/// The samples of all families, and the first one of each operation again with large and with tiny
/// inputs, unless its family has such samples.
const std::vector<Sample>& samples();
const std::vector<ErrorSample>& error_samples();

}  // namespace adjoint::testing
