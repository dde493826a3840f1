// The check of a module with respect to its parameters and its inputs.
#pragma once

#include <string>
#include <utility>

#include "nn/checks/gradcheck.h"
#include "tests/checks/gradcheck/rows.h"
#include "tests/nn/support.h"

namespace adjoint::checks {

/// Of f(module, inputs), a tensor, for a module whose biases and gains have been moved away from
/// zeros and ones.
template <class M, class F>
Check module_check(std::string label, M module, const Tensors& inputs, F f) {
  testing::shake(module, Key(1));
  return {std::move(label), [=](const GradcheckOptions& options) {
            return nn::gradcheck(module, f, inputs, options);
          }};
}

}  // namespace adjoint::checks
