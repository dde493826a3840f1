#include "examples/seq2seq/run/written_file.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "autograd/support/error.h"
#include "examples/seq2seq/model/model.h"

namespace adjoint::seq2seq {
namespace {

namespace fs = std::filesystem;

fs::path without_links(const fs::path& path) {
  std::error_code ignored;
  const fs::path whole = fs::weakly_canonical(fs::absolute(path), ignored);
  return whole.has_filename() ? whole : whole.parent_path();  // a slash at the end
}

// Of a complete model, or of a run that can be resumed.
bool is_folder_of_model(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder / settings_file, ignored) &&
         std::ranges::any_of(std::vector{weights_file, best_file, state_file},
                             [&](const char* name) { return fs::exists(folder / name, ignored); });
}

void require_access(const std::string& option, const fs::path& file, const fs::path& path,
                    int mode) {
  if (::access(path.c_str(), mode) != 0)
    fail(option, ": cannot write ", file.string(), ": ", std::generic_category().message(errno));
}

}  // namespace

void require_harmless(const std::string& option, const fs::path& path,
                      const std::vector<std::string>& inputs) {
  std::error_code ignored;
  for (const std::string& input : inputs)
    require(!fs::is_regular_file(path, ignored) ||
                !fs::equivalent(path, input == "-" ? "/dev/stdin" : input, ignored),
            option, ": '", path.string(), "' is also read; choose another file");
  const fs::path whole = without_links(path);
  for (fs::path folder = whole.parent_path(), inner = whole; folder != inner;
       inner = folder, folder = folder.parent_path())
    require(!is_folder_of_model(folder), option, ": '", path.string(),
            "' is inside the folder of a model, ", folder.string(), "; choose another place");
}

void require_writable(const std::string& option, const fs::path& file, Written written,
                      const std::vector<std::string>& inputs) {
  if (file.empty()) return;
  require(file != "-", option,
          " -: give the name of a file; the program's own output is on "
          "standard output");
  require_harmless(option, file, inputs);
  std::error_code ignored;
  const fs::file_status status = fs::status(file, ignored);
  const bool exists = fs::exists(status);
  require(!fs::is_directory(status), option, ": cannot write ", file.string(), ": it is a folder");
  require(!exists || fs::is_regular_file(status) || written == Written::in_lines, option,
          ": cannot write ", file.string(), ": it exists and is not a regular file");
  if (exists && written == Written::in_lines)
    require_access(option, file, file, W_OK);
  else
    require_access(option, file, without_links(file).parent_path() / ".", W_OK | X_OK);
}

}  // namespace adjoint::seq2seq
