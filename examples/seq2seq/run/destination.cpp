#include "examples/seq2seq/run/destination.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "autograd/support/error.h"
#include "autograd/support/files.h"

namespace adjoint::seq2seq {
namespace {

namespace fs = std::filesystem;

// Follows symbolic links, and drops a slash at the end.
fs::path resolved(const fs::path& folder) {
  require(!folder.empty(), "--output needs the name of a folder");
  const fs::path whole = fs::weakly_canonical(folder);
  return whole.has_filename() ? whole : whole.parent_path();
}

// A file of a model, or the remains of one that was being written.
bool belongs_to_model(const std::string& name) {
  return std::ranges::any_of(model_files, [&](const std::string& own) {
    return name == own || name.starts_with(own + ".tmp-");
  });
}

// Only a model may be replaced.
void require_replaceable(const fs::path& folder) {
  if (!fs::exists(folder)) return;
  require(fs::is_directory(folder), "--output: '", folder.string(), "' is a file, not a folder");
  for (const auto& entry : fs::directory_iterator(folder))
    require(belongs_to_model(entry.path().filename().string()), "--output: '", folder.string(),
            "' holds '", entry.path().filename().string(),
            "', which does not belong to a model; choose another folder");
}

// Atomic: both names exist at every moment. Not every system and file system supports it.
bool exchange([[maybe_unused]] const fs::path& a, [[maybe_unused]] const fs::path& b) {
#ifdef RENAME_EXCHANGE
  return ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0;
#else
  return false;
#endif
}

// The fallback: for a moment the name does not exist. A failed second step undoes the first.
void replace(const fs::path& fresh, const fs::path& target) {
  const fs::path former = target.string() + ".former";
  fs::rename(target, former);
  std::error_code error;
  fs::rename(fresh, target, error);
  if (error) {
    fs::rename(former, target);
    throw fs::filesystem_error("", target, error);
  }
  fs::rename(former, fresh);
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

// Excludes other processes until it is released or this process dies. On a file system without
// locks it does nothing.
std::shared_ptr<void> lock(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return nullptr;
  const std::shared_ptr<void> close(nullptr, [descriptor](void*) { ::close(descriptor); });
  const bool taken = ::flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  require(!taken, "--output: another run is using '", folder.string(), "'");
  return close;
}

}  // namespace

Destination::Destination(const fs::path& folder, IfStopped if_stopped)
    : resumes_(if_stopped == IfStopped::resume) {
  name_option(folder, [&] {
    folder_ = resolved(folder);
    require_replaceable(folder_);
    partial_ = partial_folder(folder_);
    require(if_stopped != IfStopped::refuse || !fs::exists(folder_ / weights_file) ||
                fs::exists(partial_ / state_file),
            "--output: '", folder_.string(),
            "' holds a model; replace it with --restart, or choose another folder (to train it "
            "further, use train --resume)");
    require_replaceable(partial_);
    fs::create_directories(partial_);
    lock_ = lock(partial_);
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
    require(fs::exists(folder_ / state_file), "--resume: no stopped run with a saved state at '",
            folder_.string(), "'; start one without --resume");
    clear();
    for (const char* name : {best_file, settings_file, state_file})
      if (fs::exists(folder_ / name)) write_file(partial_ / name, read_file(folder_ / name));
  } catch (const Error&) {
    fs::remove_all(partial_);
    throw;
  }
}

const fs::path& Destination::begin() {
  for (const std::string& name : model_files) remove_leftovers(partial_ / name);
  if (resumes_) return partial_;
  name_option(folder_, [&] { clear(); });
  keep_ = false;
  return partial_;
}

void Destination::clear() {
  for (const std::string& name : model_files) fs::remove(partial_ / name);
}

void Destination::complete() {
  keep_ = true;
  try {
    require_replaceable(folder_);
    name_option(folder_, [&] { put_in_place(); });
  } catch (const Error& error) {
    fail(error.what(), "; the new model is in '", partial_.string(), "'");
  }
}

void Destination::put_in_place() {
  if (!fs::exists(folder_)) {
    fs::rename(partial_, folder_);
    return;
  }
  // Without its state the former model, which becomes the partial, is no stopped run.
  fs::remove(folder_ / state_file);
  if (!exchange(partial_, folder_)) replace(partial_, folder_);
  std::error_code ignored;
  fs::remove_all(partial_, ignored);
}

}  // namespace adjoint::seq2seq
