#include "nn/translation/open_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef O_PATH
#define O_PATH O_RDONLY
#endif

namespace adjoint::nn {

OpenFolder::OpenFolder(const std::filesystem::path& path)
    : path_(path), descriptor_(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {}

OpenFolder::~OpenFolder() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool OpenFolder::replaced() const {
  struct stat own = {}, named = {};
  const bool is_there = ::stat(path_.c_str(), &named) == 0;
  if (descriptor_ < 0) return is_there && S_ISDIR(named.st_mode);
  return !is_there || ::fstat(descriptor_, &own) != 0 || own.st_dev != named.st_dev ||
         own.st_ino != named.st_ino;
}

}  // namespace adjoint::nn
