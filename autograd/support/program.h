// Runs a program, and a folder for what it reads and writes.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace adjoint {

/// Runs words[0], found as a shell finds it, with the other words as its arguments, and waits. It
/// shares our standard streams, but writes to `output` if that is not empty. `seconds` of a
/// processor's time are all that it gets; 0 is no limit. Returns its status as waitpid() gives it,
/// 0 if all went well, or nothing if there is no such program. Error if it cannot be started.
std::optional<int> run_program(std::vector<std::string> words,
                               const std::filesystem::path& output = {}, unsigned seconds = 0);

/// A new folder for temporary files, which is removed with all that is in it.
struct TemporaryFolder {
  std::filesystem::path path;
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
};

}  // namespace adjoint
