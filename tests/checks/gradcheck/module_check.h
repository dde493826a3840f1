// The check of a module with respect to its parameters and its inputs.
#pragma once

#include <string>
#include <utility>

#include "tests/checks/gradcheck/rows.h"
#include "tests/nn/support.h"

namespace adjoint::checks {

/// Of f(module, inputs), a tensor, for an f64 copy of the module whose biases and gains have been
/// moved away from zeros and ones. The inputs are named "input 0", …, the parameters by their
/// paths.
template <class M, class F>
Check module_check(std::string label, const M& module, const Tensors& inputs, F f) {
  M model = nn::cast(module, DType::f64);
  testing::shake(model, Key(1));
  return {std::move(label), [=](GradcheckOptions options) {
            Tensors all = inputs;
            for (std::size_t i = 0; i < inputs.size(); ++i)
              options.names.push_back("input " + std::to_string(i));
            for (const nn::NamedTensor& parameter : nn::named_parameters(model)) {
              all.push_back(parameter.tensor);
              options.names.push_back(parameter.name);
            }
            const auto of_all = [&](const Tensors& values) {
              const auto parameters = values.begin() + static_cast<std::ptrdiff_t>(inputs.size());
              const M other = testing::with_parameters(model, {parameters, values.end()});
              return Tensors{f(other, Tensors(values.begin(), parameters))};
            };
            return gradcheck(of_all, all, options);
          }};
}

}  // namespace adjoint::checks
