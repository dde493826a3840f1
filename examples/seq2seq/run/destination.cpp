#include "examples/seq2seq/run/destination.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>
#include <system_error>

#include "autograd/support/error.h"
#include "autograd/support/files.h"
#include "autograd/support/printable.h"
#include "examples/seq2seq/run/written_file.h"
#include "nn/translation/replace_folder.h"

namespace adjoint::seq2seq {
namespace {

namespace fs = std::filesystem;

// Follows symbolic links, and drops a slash at the end.
fs::path resolved(const fs::path& folder) {
  require(!folder.empty(), "--output needs the name of a folder");
  const fs::path whole = fs::weakly_canonical(folder);
  const fs::path result = whole.has_filename() ? whole : whole.parent_path();
  require(!fs::is_symlink(result), "--output: '", folder.string(),
          "' is a link to a folder that does not exist; remove it, or name the folder itself");
  return result;
}

std::optional<struct stat> status_of(const fs::path& path) {
  struct stat status = {};
  return ::lstat(path.c_str(), &status) == 0 ? std::optional(status) : std::nullopt;
}

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// The name of the file that this is the remains of, if it was being written.
std::string finished_name(const std::string& name) { return name.substr(0, name.find(".tmp-")); }

// A file of a model, or the remains of one that was being written.
bool belongs_to_model(const std::string& name) { return is_model_file(finished_name(name)); }

// Returns false if nothing has this name.
bool require_folder(const fs::path& folder) {
  const auto status = status_of(folder);
  if (!status) return false;
  const std::string title = "--output: '" + folder.string() + "'";
  require(!S_ISLNK(status->st_mode), title, " is a link; remove it");
  require(S_ISDIR(status->st_mode), title, " is a file, not a folder");
  return true;
}

// Only a model may be replaced. A link in its folder could lead anywhere, so it is refused. Another
// run may be removing files from the folder meanwhile.
void require_replaceable(const fs::path& folder) {
  if (!require_folder(folder)) return;
  const std::string title = "--output: '" + folder.string() + "'";
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    require(belongs_to_model(name), title, " holds '", printable_line(name),
            "', which does not belong to a model; move it away, or choose another folder");
    std::error_code ignored;
    const fs::file_status status = entry.symlink_status(ignored);
    require(fs::is_regular_file(status) || !fs::exists(status), title, " holds '",
            printable_line(name),
            "', which is not a regular file; remove it, or choose another folder");
  }
}

// Checked now rather than after hours of training.
void require_movable(const fs::path& folder) {
  const auto status = status_of(folder);
  if (!status) return;
  const auto outer = status_of(folder.parent_path());
  require(!outer || outer->st_dev == status->st_dev, "--output: '", folder.string(),
          "' is the root of a disk and cannot be replaced; name a folder in it");
  if (::access(folder.c_str(), W_OK) != 0)
    throw fs::filesystem_error("", folder, std::error_code(errno, std::generic_category()));
}

// Turns file system errors into one line that names the option.
template <class Action>
void name_option(const fs::path& folder, const Action& action) {
  try {
    action();
  } catch (const fs::filesystem_error& error) {
    fail("--output: '", folder.string(), "' cannot be written: ", error.code().message());
  }
}

// How to train a model further. That of `average` or of a program has no run to resume.
std::string way_on(const fs::path& model) {
  return fs::exists(model / state_file) ? "train --resume"
                                        : "train --from " + model.string() + " --output NEW";
}

using Lock = std::shared_ptr<void>;

enum class IfTaken { refuse, wait };

// Excludes other processes until the lock is released or this process dies. Null if the folder is
// gone. On a file system without locks it excludes none.
Lock lock(const fs::path& folder, IfTaken if_taken) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor < 0 && errno == ENOENT) return nullptr;
  require(descriptor >= 0, "--output: '", folder.string(),
          "' cannot be opened: ", std::generic_category().message(errno));
  const std::shared_ptr<int> held(new int(descriptor), [](int* open) {
    ::close(*open);
    delete open;
  });
  int result;
  do {
    result = ::flock(descriptor, if_taken == IfTaken::wait ? LOCK_EX : LOCK_EX | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  require(result == 0 || errno != EWOULDBLOCK, "--output: another run is using '", folder.string(),
          "'; wait until it ends, or choose another folder");
  // The lock holds the folder, not its name. After the folder was opened here, another run may have
  // renamed it to its model, or removed it.
  struct stat locked = {};
  const auto named = status_of(folder);
  const bool still = ::fstat(descriptor, &locked) == 0 && named && same_file(locked, *named);
  return still ? Lock(held) : nullptr;
}

// A new folder gets the permissions of the one that it will replace, less those of users who may
// not read all of its files: the new files get their permissions only at the end.
void create(const fs::path& partial, const fs::path& model) {
  if (partial.has_parent_path()) fs::create_directories(partial.parent_path());
  const auto former = status_of(model);
  mode_t mode = former ? former->st_mode & 0777 : 0777;
  for (const std::string& name : files_of_model(model)) {
    const auto file = status_of(model / name);
    if (file && (file->st_mode & 040) == 0) mode &= ~mode_t{070};
    if (file && (file->st_mode & 04) == 0) mode &= ~mode_t{07};
  }
  if (::mkdir(partial.c_str(), mode) == 0) {
    if (former) ::chmod(partial.c_str(), mode);  // mkdir() has applied the umask
  } else if (errno != EEXIST) {
    throw fs::filesystem_error("", partial, std::error_code(errno, std::generic_category()));
  }
}

}  // namespace

bool replaces(const fs::path& output, const fs::path& folder) {
  std::error_code ignored;
  fs::path whole = fs::weakly_canonical(fs::absolute(output), ignored);
  if (!whole.has_filename()) whole = whole.parent_path();  // a slash at the end
  return fs::equivalent(folder, whole, ignored) ||
         fs::equivalent(folder, partial_folder(whole), ignored);
}

Destination::Destination(const fs::path& folder, IfStopped if_stopped)
    : resumes_(if_stopped == IfStopped::resume) {
  name_option(folder, [&] {
    folder_ = resolved(folder);
    require_harmless("--output", folder_);
    require_replaceable(folder_);
    require_movable(folder_);
    partial_ = partial_folder(folder_);
    require(if_stopped != IfStopped::refuse || !fs::exists(folder_ / weights_file) ||
                fs::exists(partial_ / state_file),
            "--output: '", folder_.string(),
            "' holds a model; replace it with --restart, or choose another folder (to train it "
            "further, use ",
            way_on(folder_), ")");
    constexpr int attempts = 100;
    for (int i = 0; i < attempts && !lock_; ++i) {
      require_folder(partial_);
      create(partial_, folder_);
      lock_ = lock(partial_, IfTaken::refuse);
    }
    require(lock_ != nullptr, "--output: other runs keep replacing '", folder_.string(),
            "'; try again later, or choose another folder");
    require_replaceable(partial_);
    keep_ = fs::exists(partial_ / state_file);
    if (resumes_ && !keep_) copy_completed_run();
  });
  require(!keep_ || if_stopped != IfStopped::refuse, "--output: '", partial_.string(),
          "' holds a stopped run; continue it with --resume, or delete it with --restart");
}

Destination::~Destination() {
  std::error_code ignored;
  if (!keep_) fs::remove_all(partial_, ignored);
}

// The state is copied last: it makes the copy complete.
void Destination::copy_completed_run() {
  try {
    require(fs::exists(folder_ / state_file) || !fs::exists(folder_ / weights_file), "--resume: '",
            folder_.string(),
            "' holds a model without a run, as `average` or a program writes it; begin a run with ",
            way_on(folder_));
    require(fs::exists(folder_ / state_file), "--resume: no stopped run with a saved state at '",
            folder_.string(), "'; start one without --resume");
    clear();
    std::vector<std::string> names = files_of_model(folder_);
    std::erase_if(names, [](const auto& n) { return n == weights_file || n == state_file; });
    names.emplace_back(state_file);
    for (const std::string& name : names) write_file(partial_ / name, read_file(folder_ / name));
  } catch (const Error&) {
    fs::remove_all(partial_);
    throw;
  }
}

const fs::path& Destination::begin() {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(partial_))
    names.insert(finished_name(entry.path().filename()));
  for (const std::string& name : names) remove_leftovers(partial_ / name);
  if (resumes_) return partial_;
  name_option(folder_, [&] { clear(); });
  keep_ = false;
  return partial_;
}

bool Destination::holds(const fs::path& file) const {
  std::error_code ignored;
  const fs::path folder = fs::weakly_canonical(fs::absolute(file), ignored).parent_path();
  return folder == fs::absolute(folder_) || folder == fs::absolute(partial_);
}

void Destination::clear() {
  for (const std::string& name : files_of_model(partial_)) fs::remove(partial_ / name);
}

void Destination::complete() {
  keep_ = true;
  try {
    require_replaceable(folder_);
    name_option(folder_, [&] { put_in_place(); });
    lock_.reset();
  } catch (const Error& error) {
    fail(error.what(), "; the new model is in '", partial_.string(), "'");
  }
}

void Destination::put_in_place() {
  if (!fs::exists(folder_)) {
    fs::rename(partial_, folder_);
    return;
  }
  nn::keep_permissions(partial_, folder_);
  // After the exchange, another run may find the former model as its partial folder. Without its
  // state it is not a stopped run, and the lock keeps other runs away until it is removed.
  fs::remove(folder_ / state_file);
  const Lock former = lock(folder_, IfTaken::wait);
  nn::exchange_folders(partial_, folder_);
  std::error_code ignored;
  fs::remove_all(partial_, ignored);
}

}  // namespace adjoint::seq2seq
