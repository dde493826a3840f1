// Reading a folder that another program may replace meanwhile.
#pragma once

#include <filesystem>
#include <memory>

#include "autograd/support/error.h"

namespace adjoint::nn {

/// An open folder. While it is open, the file system gives its inode number to no other folder.
class OpenFolder {
 public:
  explicit OpenFolder(const std::filesystem::path& path);
  ~OpenFolder();
  OpenFolder(const OpenFolder&) = delete;
  OpenFolder& operator=(const OpenFolder&) = delete;

  /// Whether its name now stands for another folder, or for a folder where there was none.
  bool replaced() const;

 private:
  std::filesystem::path path_;
  int descriptor_;
};

/// What `read` makes of a folder, and the folder that it read. It is called again when another one
/// has come in its place meanwhile, so the result never mixes two. Error if that does not end.
template <class Read>
auto read_unreplaced(const std::filesystem::path& folder, const Read& read) {
  constexpr int attempts = 5;
  for (int i = 0; i < attempts; ++i) {
    const auto open = std::make_shared<const OpenFolder>(folder);
    try {
      auto result = read();
      if (!open->replaced()) return std::pair(std::move(result), open);
    } catch (const Error&) {
      if (!open->replaced()) throw;
    }
  }
  fail(folder.string(), ": other runs put new models in its place while it was read; try again");
}

}  // namespace adjoint::nn
