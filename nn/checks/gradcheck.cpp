#include "nn/checks/gradcheck.h"

#include <algorithm>

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
  const GradcheckReport report = adjoint::gradcheck(
      [&](const Tensors& xs) {
        return f({xs.begin(), xs.begin() + middle}, {xs.begin() + middle, xs.end()});
      },
      all, options);
  const std::size_t parameters = all.size() - inputs.size();
  const auto& unused = report.unused();
  const auto is_parameter = [&](const std::string& name) {
    return std::find(options.names.begin() + middle, options.names.end(), name) !=
           options.names.end();
  };
  require(parameters == 0 || !report ||
              std::ranges::count_if(unused, is_parameter) < static_cast<std::ptrdiff_t>(parameters),
          "gradcheck: no parameter of the module has any influence: f has to use the module that "
          "it is given, not another one");
  return report;
}

}  // namespace adjoint::nn::detail
