// A test-bed of the gradient checker: right functions that are hard to check, of which none may
// fail, and wrong ones, of which none may pass. checks/hard-functions.cpp prints the table.
#pragma once

#include <string>
#include <vector>

#include "autograd/gradcheck.h"

namespace adjoint::testing {

struct HardFunction {
  std::string name;
  Function f;
  Tensors inputs;
  GradcheckOptions options = {};
  /// Why finite differences can't tell whether its derivative is right; empty if they can.
  std::string undecidable_because = {};
  std::string kind = {};  ///< what makes it hard: "kinks", "saturation", ...
};
using HardFunctions = std::vector<HardFunction>;

HardFunctions right_functions();
/// Each is wrong by at least 1e-5 of the size of some derivative.
HardFunctions wrong_functions();

/// While it stands, the wrong functions are right: no mistake is made. For one thread.
class WithoutMistakes {
 public:
  WithoutMistakes();
  ~WithoutMistakes();
  WithoutMistakes(const WithoutMistakes&) = delete;
  WithoutMistakes& operator=(const WithoutMistakes&) = delete;
};

}  // namespace adjoint::testing
