// Safetensors files: named tensors and text metadata, in a format that other frameworks read too
// (https://github.com/huggingface/safetensors).
//
//   8 bytes            length of the header, little-endian, at most 100,000,000
//   the header         JSON: {"__metadata__": {"key": "text", ...},
//                             "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
//                             ...}
//   the data           the elements, little-endian, row-major; offsets count from its beginning
//
// The tensors cover the data without holes or overlaps. The format cannot detect damage, so
// save_parameters and save_state add a checksum to the metadata, and reading verifies it if there
// is one; README.md says how to compute it.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "autograd/tensor.h"

namespace adjoint::nn {

using Metadata = std::map<std::string, std::string>;

struct SafeTensors {
  std::map<std::string, Tensor> tensors;
  Metadata metadata;
};

/// Error, naming the file and the fault, if the file cannot be read, violates the format, contains
/// dtypes other than F32, F64, I64 and BOOL, or does not match its checksum. The result has no
/// checksum.
SafeTensors read_safetensors(const std::filesystem::path& path);

/// Writes the file atomically, as write_file does: after an Error the old file is untouched. Equal
/// tensors and metadata give equal bytes. Names and metadata must be UTF-8.
void write_safetensors(const std::filesystem::path& path, const SafeTensors& content);

/// Adds the checksum to the metadata.
SafeTensors with_checksum(SafeTensors content);

/// Text from a file, made fit for an error message: on one line, and at most about 100 bytes.
std::string shown(const std::string& text);

}  // namespace adjoint::nn
