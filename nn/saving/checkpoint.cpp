#include "nn/saving/checkpoint.h"

#include "nn/saving/state_file.h"

namespace adjoint::nn {
namespace {

VisitState parameters_of(const Module& module) {
  return [&module](State& visit) {
    for (auto& [name, parameter] : named_parameters(module)) visit(name, parameter);
  };
}

}  // namespace

void save_parameters(const Module& module, const std::filesystem::path& path,
                     const Metadata& metadata) {
  SafeTensors content = collect(parameters_of(module));
  content.metadata = metadata;
  write_safetensors(path, with_checksum(std::move(content)));
}

void load_parameters(Module& module, const std::filesystem::path& path) {
  SafeTensors file = read_safetensors(path);
  file.metadata.clear();
  restore(parameters_of(module), file, "the model", path.string() + ": does not fit this model: ");
}

}  // namespace adjoint::nn
