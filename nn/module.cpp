#include "nn/module.h"

#include <algorithm>
#include <map>

namespace adjoint::nn {

std::vector<NamedTensor> named_parameters(const Module& module) {
  std::vector<NamedTensor> found;
  Fields visit([&](const std::string& path, Tensor& parameter) {
    const auto same = [&](const NamedTensor& known) {
      return known.tensor.storage() == parameter.storage();
    };
    if (std::ranges::none_of(found, same)) found.push_back({path, parameter});
  });
  const_cast<Module&>(module).fields(visit);  // fields() serves readers and writers
  return found;
}

Tensors parameters(const Module& module) {
  Tensors result;
  for (NamedTensor& parameter : named_parameters(module))
    result.push_back(std::move(parameter.tensor));
  return result;
}

Index parameter_count(const Module& module) {
  Index count = 0;
  for (const Tensor& parameter : parameters(module)) count += parameter.numel();
  return count;
}

void replace_parameters(Module& module,
                        const std::function<Tensor(const std::string&, const Tensor&)>& f) {
  std::map<StoragePtr, Tensor> replaced;  // keeps the old storages, so no address is reused
  Fields visit([&](const std::string& path, Tensor& parameter) {
    Tensor& replacement = replaced[parameter.storage()];
    if (!replacement.defined()) replacement = f(path, parameter);
    parameter = replacement;
  });
  module.fields(visit);
}

}  // namespace adjoint::nn
