#include "examples/seq2seq/run/destination.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "autograd/support/error.h"
#include "autograd/support/files.h"
#include "nn/saving/checkpoint.h"

namespace adjoint::seq2seq {
namespace {

namespace fs = std::filesystem;

// The folder itself: without a slash at the end, and behind a symbolic link.
fs::path resolved(const fs::path& folder) {
  require(!folder.empty(), "--output: the name is empty");
  const fs::path whole = fs::weakly_canonical(folder);
  return whole.has_filename() ? whole : whole.parent_path();
}

// A file of a model, or what is left of one that was being written.
bool is_part_of_model(const std::string& name) {
  return std::ranges::any_of(model_files(), [&](const std::string& own) {
    return name == own || name.starts_with(own + ".tmp-");
  });
}

// Nothing but a model may be replaced.
void require_replaceable(const fs::path& folder) {
  if (!fs::exists(folder)) return;
  require(fs::is_directory(folder), "--output: '", folder.string(), "' is a file");
  for (const auto& entry : fs::directory_iterator(folder))
    require(is_part_of_model(entry.path().filename().string()), "--output: '", folder.string(),
            "' holds '", entry.path().filename().string(),
            "', which is no part of a model; nothing there will be overwritten");
}

// Both names stand at any moment. Not every system and file system can do this.
bool exchange([[maybe_unused]] const fs::path& a, [[maybe_unused]] const fs::path& b) {
#ifdef RENAME_EXCHANGE
  return ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0;
#else
  return false;
#endif
}

// The next best: the name is missing for a moment. If the second step fails, the first is undone.
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

// Says what went wrong in one line that names the option.
template <class Action>
void writing(const fs::path& folder, const Action& action) {
  try {
    action();
  } catch (const fs::filesystem_error& error) {
    fail("--output: '", folder.string(), "' cannot be written: ", error.code().message());
  }
}

}  // namespace

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void FolderLock::take(const fs::path& folder) {
  descriptor_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool held =
      descriptor_ >= 0 && ::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  require(!held, "--output: another run is at work in '", folder.string(), "'");
}

Destination::Destination(const fs::path& folder, Stopped stopped)
    : resumes_(stopped == Stopped::resume) {
  writing(folder, [&] {
    folder_ = resolved(folder);
    require_replaceable(folder_);
    partial_ = partial_folder(folder_);
    require_replaceable(partial_);
    fs::create_directories(partial_);
    lock_.take(partial_);
    keep_ = fs::exists(partial_ / state_file);
    if (resumes_ && !keep_) copy_run();
  });
  require(!keep_ || stopped != Stopped::refuse, "--output: '", partial_.string(),
          "' holds a run that was stopped; --resume goes on with it, --restart deletes it");
}

Destination::~Destination() {
  std::error_code ignored;
  if (!keep_) fs::remove_all(partial_, ignored);
}

// The state comes last: with it the copy is complete.
void Destination::copy_run() {
  try {
    require(fs::exists(folder_ / state_file), "--resume: there is no stopped run at '",
            folder_.string(), "' of which anything was saved; without --resume it begins anew");
    clear();
    for (const char* name : {best_file, settings_file, state_file})
      if (fs::exists(folder_ / name)) write_file(partial_ / name, read_file(folder_ / name));
  } catch (const Error&) {
    fs::remove_all(partial_);
    throw;
  }
}

const fs::path& Destination::begin() {
  for (const std::string& name : model_files()) remove_leftovers(partial_ / name);
  if (resumes_) return partial_;
  writing(folder_, [&] { clear(); });
  keep_ = false;
  return partial_;
}

void Destination::clear() {
  for (const std::string& name : model_files()) fs::remove(partial_ / name);
}

void Destination::complete() {
  keep_ = true;
  try {
    require_replaceable(folder_);
    writing(folder_, [&] { put_in_place(); });
  } catch (const Error& error) {
    fail(error.what(), "; the new model is in '", partial_.string(), "'");
  }
}

void Destination::save(const Model& model, const std::vector<data::Pair>& held_out) {
  begin();
  save_description(model, held_out, partial_);
  nn::save_parameters(*model.network, partial_ / weights_file);
  complete();
}

void Destination::put_in_place() {
  if (!fs::exists(folder_)) {
    fs::rename(partial_, folder_);
    return;
  }
  // Without its state, what stood here is no stopped run when it is called partial.
  fs::remove(folder_ / state_file);
  if (!exchange(partial_, folder_)) replace(partial_, folder_);
  std::error_code ignored;
  fs::remove_all(partial_, ignored);
}

}  // namespace adjoint::seq2seq
