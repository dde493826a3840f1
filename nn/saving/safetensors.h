// Safetensors files: named tensors and text metadata, in a format that other frameworks read too
// (https://github.com/huggingface/safetensors).
//
//   8 bytes            length of the header, little-endian, at most 100,000,000
//   the header         JSON: {"__metadata__": {"key": "text", ...},
//                             "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
//                             ...}
//   the data           the elements, little-endian, row-major; offsets count from its beginning
//
// The tensors cover the data without holes or overlaps. Files of other programs may hold other
// element types, such as F16 or U8; they are converted (element_types.h). The format cannot detect
// damage, so save_parameters and save_state add a checksum to the metadata, and reading verifies it
// if there is one; README.md says how to compute it.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "autograd/tensor.h"

namespace adjoint {
class RegularFile;
}

namespace adjoint::nn {

using Metadata = std::map<std::string, std::string>;

/// What a file of safetensors holds.
struct SafeTensors {
  std::map<std::string, Tensor> tensors;
  Metadata metadata;
};

/// A safetensors file whose header has been read and checked; no tensor has taken memory yet.
class SafeTensorsFile {
 public:
  /// What the header says about a tensor.
  struct Entry {
    Form form;                         ///< the form of the tensor that it becomes
    std::string type;                  ///< its dtype in the file: "BF16"
    std::uint64_t begin = 0, end = 0;  ///< its bytes in the data

    bool widened() const;
  };

  /// Error, naming the file and the fault, if it cannot be read, is not a regular file, violates
  /// the format, or has a dtype that cannot be read (element_types.h). The file may come from a
  /// stranger: everything in it is checked before it is used.
  explicit SafeTensorsFile(const std::filesystem::path& path);
  ~SafeTensorsFile();

  const std::filesystem::path& path() const { return path_; }
  const std::map<std::string, Entry>& entries() const { return entries_; }
  const Metadata& metadata() const { return metadata_; }  ///< without a checksum

  /// All tensors. Error if they do not match their checksum, or hold a value that their type does
  /// not allow.
  SafeTensors read() const;

 private:
  std::filesystem::path path_;
  std::unique_ptr<const RegularFile> file_;  // stays open, so that header and data belong together
  std::map<std::string, Entry> entries_;
  Metadata metadata_;
  std::optional<std::string> checksum_;
  std::uint64_t data_ = 0;  // where the data begins in the file
};

/// SafeTensorsFile(path).read().
SafeTensors read_safetensors(const std::filesystem::path& path);

/// Writes the file atomically, as write_file does: after an Error the old file is untouched. Equal
/// tensors and metadata give equal bytes. Names and metadata must be UTF-8.
void write_safetensors(const std::filesystem::path& path, const SafeTensors& content);

/// Adds the checksum to the metadata.
SafeTensors with_checksum(SafeTensors content);

}  // namespace adjoint::nn
