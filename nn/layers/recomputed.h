// A layer that keeps only its inputs for the sweep.
#pragma once

#include <functional>

#include "autograd/tools/recomputation.h"
#include "nn/module.h"

namespace adjoint::nn {

/// f(module, inputs), which the sweep recomputes instead of keeping its intermediate values
/// (autograd/tools/recomputation.h). f must use the module it is given, whose parameters are
/// further inputs, and context.again(), because each run takes the same keys.
template <class M>
Tensor recomputed(const M& module, const Tensors& inputs,
                  const std::function<Tensor(const M&, const Tensors&)>& f) {
  const auto count = static_cast<std::ptrdiff_t>(inputs.size());
  Tensors all = inputs;
  for (const Tensor& parameter : parameters(module)) all.push_back(parameter);
  const Function run = [module, count, f](const Tensors& xs) {
    M own = module;
    auto next = xs.begin() + count;
    replace_parameters(own, [&](const std::string&, const Tensor&) { return *next++; });
    return Tensors{f(own, Tensors(xs.begin(), xs.begin() + count))};
  };
  return adjoint::recomputed(run, all)[0];
}

}  // namespace adjoint::nn
