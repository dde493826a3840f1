#include "nn/gradcheck.h"

namespace adjoint::nn::detail {

void set_parameters(Module& module, const Tensors& values) {
  auto next = values.begin();
  replace_parameters(module, [&](const std::string&, const Tensor&) { return *next++; });
}

GradcheckReport gradcheck(const Module& module,
                          const std::function<Tensors(const Tensors&, const Tensors&)>& f,
                          const Tensors& inputs, GradcheckOptions options) {
  require(options.names.size() <= inputs.size(), "gradcheck: ", options.names.size(), " names for ",
          inputs.size(), " inputs; parameters have theirs already");
  for (std::size_t i = options.names.size(); i < inputs.size(); ++i)
    options.names.push_back(inputs[i].name().empty() ? "input " + std::to_string(i)
                                                     : inputs[i].name());
  Tensors all = inputs;
  for (const NamedTensor& parameter : named_parameters(module)) {
    options.names.push_back(parameter.name);
    all.push_back(parameter.tensor);
  }
  const auto middle = static_cast<std::ptrdiff_t>(inputs.size());
  return adjoint::gradcheck(
      [&](const Tensors& xs) {
        return f({xs.begin(), xs.begin() + middle}, {xs.begin() + middle, xs.end()});
      },
      all, options);
}

}  // namespace adjoint::nn::detail
