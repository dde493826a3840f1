// Models on disk, as safetensors: a format of named tensors that other frameworks open, too.
//
//   8 bytes            length of the header, little-endian, at most 100,000,000
//   the header         JSON: {"__metadata__": {"key": "text", ...},
//                             "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
//                             ...}
//   the data           the elements, little-endian, row-major; offsets count from its beginning
//
// The tensors cover the data without a hole or an overlap.
// (https://github.com/huggingface/safetensors)
//
// The format says nothing of damage. What save_parameters and save_state write has a checksum among
// its metadata, which reading verifies where there is one; to other programs it is a text like any
// other. It is a checksum of the content, so a file that another program has written anew, with the
// entries in another order, is still whole. In Python, where tensors are little-endian arrays:
//
//   crc = 0
//   for key, text in sorted(metadata.items()):  # without adjoint.crc32
//       crc = zlib.crc32(f"{key}\0{text}\0".encode(), crc)
//   for name, (dtype, x) in sorted(tensors.items()):
//       form = f"{name}\0{dtype}\0{','.join(map(str, x.shape))}\0"
//       crc = zlib.crc32(x.tobytes(), zlib.crc32(form.encode(), crc))
//   metadata["adjoint.crc32"] = f"{crc:08x}"
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "nn/module.h"

namespace adjoint::nn {

/// A text from a file as it may stand in an error: on one line and not too long.
std::string shown(const std::string& text);

using Metadata = std::map<std::string, std::string>;

struct SafeTensors {
  std::map<std::string, Tensor> tensors;
  Metadata metadata;
};

/// Error, with the file and what is wrong, when the file cannot be read, is not of the format in
/// any respect, holds other element types than F32, F64, I64 and BOOL, or is not what its checksum
/// says. The result has no checksum.
SafeTensors read_safetensors(const std::filesystem::path& path);

/// Replaces the file in one step, as write_file does: after an Error the old one is untouched. The
/// same tensors and metadata give the same bytes. Names and metadata must be UTF-8.
void write_safetensors(const std::filesystem::path& path, const SafeTensors& content);

/// The same with its checksum among the metadata.
SafeTensors with_checksum(SafeTensors content);

/// Writes the module's parameters under their paths, tied ones once, with a checksum.
void save_parameters(const Module& module, const std::filesystem::path& path,
                     const Metadata& metadata = {});

/// Copies the values of a file into the module's tensors, in place: tied weights stay tied, and an
/// optimizer keeps the tensors it knows. The names, shapes and dtypes must be the module's; else
/// one Error lists every difference, and the module is unchanged.
void load_parameters(Module& module, const std::filesystem::path& path);

}  // namespace adjoint::nn
