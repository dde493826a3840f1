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
  options.names = input_names(inputs, options.names);
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
  // The parameters' names follow those of the inputs.
  const auto is_unused = [&](const std::string& name) {
    return std::ranges::count(report.unused, name) > 0;
  };
  const auto parameters =
      std::ranges::subrange(options.names.begin() + middle, options.names.end());
  require(parameters.empty() || !report || !std::ranges::all_of(parameters, is_unused),
          "gradcheck: no parameter of the module has any influence: f must use the module it is "
          "given, not another one");
  return report;
}

}  // namespace adjoint::nn::detail
