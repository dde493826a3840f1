// A model's parameters in a safetensors file.
#pragma once

#include "nn/module.h"
#include "nn/saving/safetensors.h"

namespace adjoint::nn {

/// Writes the module's parameters under their paths, tied ones once, with a checksum.
void save_parameters(const Module& module, const std::filesystem::path& path,
                     const Metadata& metadata = {});

/// Copies the values of a file into the module's tensors, in place: tied weights stay tied, and an
/// optimizer keeps the tensors that it knows. Names, shapes and dtypes must be the module's; if
/// not, one Error lists the differences and the module is unchanged.
void load_parameters(Module& module, const std::filesystem::path& path);

}  // namespace adjoint::nn
