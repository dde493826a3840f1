// A layer that remembers its inputs and forgets what it computes from them.
#pragma once

#include <functional>

#include "autograd/tools/recomputation.h"
#include "nn/module.h"

namespace adjoint::nn {

/// f(module, inputs), computed once more by the sweep instead of being remembered
/// (autograd/tools/recomputation.h). f has to use the module that it is given and no other: that
/// one's parameters are further inputs. Of a context it takes again(), since it takes its keys
/// twice.
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
