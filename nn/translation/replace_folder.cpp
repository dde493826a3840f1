#include "nn/translation/replace_folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <optional>
#include <system_error>

namespace adjoint::nn {
namespace {

namespace fs = std::filesystem;

// Atomic. Not every system and file system supports it.
bool exchange([[maybe_unused]] const fs::path& a, [[maybe_unused]] const fs::path& b) {
#ifdef RENAME_EXCHANGE
  return ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0;
#else
  return false;
#endif
}

// The fallback: for a moment the name does not exist. A failed second step undoes the first.
void rename_both(const fs::path& fresh, const fs::path& target) {
  const fs::path former = target.string() + ".former";
  fs::rename(target, former);
  std::error_code error, ignored;
  fs::rename(fresh, target, error);
  if (error) {
    fs::rename(former, target);
    throw fs::filesystem_error("", target, error);
  }
  fs::remove_all(former, ignored);
}

std::optional<struct stat> status_at(const fs::path& path) {
  struct stat status = {};
  return ::lstat(path.c_str(), &status) == 0 ? std::optional(status) : std::nullopt;
}

void copy_permissions(const fs::path& from, const fs::path& to) {
  const auto former = status_at(from), fresh = status_at(to);
  if (former && fresh && S_ISREG(former->st_mode) == S_ISREG(fresh->st_mode))
    ::chmod(to.c_str(), former->st_mode & 0777);
}

}  // namespace

void exchange_folders(const fs::path& fresh, const fs::path& former) {
  if (!fs::exists(former))
    fs::rename(fresh, former);
  else if (!exchange(fresh, former))
    rename_both(fresh, former);
}

void keep_permissions(const fs::path& fresh, const fs::path& former) {
  for (const auto& entry : fs::directory_iterator(fresh))
    copy_permissions(former / entry.path().filename(), entry.path());
  if (fs::exists(former)) copy_permissions(former, fresh);
}

void replace_folder(const fs::path& fresh, const fs::path& former) {
  keep_permissions(fresh, former);
  exchange_folders(fresh, former);
  std::error_code ignored;
  fs::remove_all(fresh, ignored);
}

}  // namespace adjoint::nn
