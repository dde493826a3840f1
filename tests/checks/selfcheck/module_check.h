// Checks a module with respect to its parameters and inputs.
#pragma once

#include <string>
#include <utility>

#include "nn/checks/gradcheck.h"
#include "tests/checks/selfcheck/rows.h"
#include "tests/nn/support.h"

namespace adjoint::checks {

/// Checks the tensor f(module, inputs), after moving biases and gains away from zeros and ones.
template <class M, class F>
Check module_check(std::string label, M module, const Tensors& inputs, F f) {
  testing::shake(module, Key(1));
  return {std::move(label), [=](const GradcheckOptions& options) {
            return nn::gradcheck(module, f, inputs, options);
          }};
}

}  // namespace adjoint::checks
