// What a command may write.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace adjoint::seq2seq {

/// Error, naming the option, if writing to the path would harm what the command reads or a model:
/// if it is one of the inputs ("-" is standard input), or lies in the folder of a model. Such a
/// folder holds only a model, since a run replaces it as a whole. Follows links.
void require_harmless(const std::string& option, const std::filesystem::path& path,
                      const std::vector<std::string>& inputs = {});

/// How a file is written: by write_file(), or line by line, as a pipe or a device can be too.
enum class Written { whole, in_lines };

/// The same for a file, and Error if it cannot be written, as far as one can tell without writing.
/// Call it before the work whose result goes there. An empty path is accepted: no file.
void require_writable(const std::string& option, const std::filesystem::path& file, Written written,
                      const std::vector<std::string>& inputs = {});

}  // namespace adjoint::seq2seq
