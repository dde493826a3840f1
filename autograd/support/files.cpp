#include "autograd/support/files.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

#include "autograd/support/error.h"

namespace adjoint {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_with(int reason, std::string_view action, const fs::path& path) {
  fail("cannot ", action, " ", path.string(), ": ", std::generic_category().message(reason));
}

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;  ///< an open file, which it closes
File open(const fs::path& path, const char* mode) {
  return {std::fopen(path.c_str(), mode), &std::fclose};
}

/// The file to replace. Follows links, so that the link itself stays. Accepts regular files only: a
/// rename over /dev/null would replace the device.
fs::path real_target(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return path;
  require(fs::is_regular_file(path, ignored), "cannot write ", path.string(),
          ": it exists and is not a regular file");
  const fs::path target = fs::canonical(path, ignored);
  return target.empty() ? path : target;
}

constexpr auto temporary_mark = ".tmp-";

fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

/// Whether the text begins with the number of a running process, or with no number at all.
bool may_run(std::string_view text) {
  pid_t process = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), process);
  if (error != std::errc() || process <= 0) return true;
  return ::kill(process, 0) == 0 || errno != ESRCH;
}

/// Makes the rename itself survive a power loss. Not every file system supports this; the text is
/// complete either way, so a failure is ignored.
void sync_folder(const fs::path& file) {
  const int folder = ::open(folder_of(file).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  ::fsync(folder);
  ::close(folder);
}

/// A new file beside the target. put_in_place() makes it the target; otherwise it is removed. Its
/// name is unpredictable, and it is never opened through a link that someone else put there.
class Temporary {
 public:
  explicit Temporary(const fs::path& target) : target_(target) {
    struct stat former = {};
    const bool replaces = ::stat(target.c_str(), &former) == 0;
    constexpr int attempts = 100;
    for (int i = 0; i < attempts && descriptor_ < 0; ++i) {
      path_ = target;
      path_ += temporary_mark + std::to_string(::getpid()) + "-" + random_digits();
      descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                           replaces ? former.st_mode & 0777 : 0666);
      if (descriptor_ < 0 && errno != EEXIST) return;
    }
    if (descriptor_ >= 0 && replaces) keep_permissions(former);
  }
  ~Temporary() {
    if (descriptor_ < 0) return;
    ::close(descriptor_);
    ::unlink(path_.c_str());
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;

  bool is_open() const { return descriptor_ >= 0; }

  bool write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }

  /// fsync before rename: otherwise a crash may leave the new name with no bytes behind it. Some
  /// file systems report a full disk only in close.
  bool put_in_place() {
    if (::fsync(descriptor_) != 0) return false;
    const int result = ::close(std::exchange(descriptor_, -1));
    if (result == 0 && ::rename(path_.c_str(), target_.c_str()) == 0) return true;
    const int reason = errno;
    ::unlink(path_.c_str());
    errno = reason;
    return false;
  }

 private:
  static std::string random_digits() {
    std::uint64_t bits = 0;
    static_cast<void>(::getentropy(&bits, sizeof bits));  // without it, O_EXCL still protects
    char text[13];
    std::snprintf(text, sizeof text, "%012llx", static_cast<unsigned long long>(bits >> 16));
    return text;
  }

  /// If the group cannot be kept, the group gets only the permissions of everyone else.
  void keep_permissions(const struct stat& former) const {
    mode_t mode = former.st_mode & 0777;
    struct stat own = {};
    const bool known = ::fstat(descriptor_, &own) == 0;
    const bool same = known && own.st_uid == former.st_uid && own.st_gid == former.st_gid;
    if (!same && ::fchown(descriptor_, former.st_uid, former.st_gid) != 0 &&
        own.st_gid != former.st_gid)
      mode = (mode & ~mode_t{070}) | (mode & 07) << 3;
    static_cast<void>(::fchmod(descriptor_, mode));
  }

  fs::path target_, path_;
  int descriptor_ = -1;
};

}  // namespace

std::string read_file(const fs::path& path) {
  const File file = open(path, "rbe");
  if (!file) fail_with(errno, "read", path);
  std::string text;
  std::array<char, 1 << 16> block;
  while (const std::size_t count = std::fread(block.data(), 1, block.size(), file.get()))
    text.append(block.data(), count);
  if (std::ferror(file.get())) fail_with(errno, "read", path);  // a folder opens but cannot be read
  return text;
}

RegularFile::RegularFile(const fs::path& path)
    : path_(path), descriptor_(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)) {
  struct stat status = {};
  if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0) fail_with(errno, "read", path);
  if (!S_ISREG(status.st_mode)) {
    ::close(descriptor_);
    if (S_ISDIR(status.st_mode)) fail_with(EISDIR, "read", path);
    fail("cannot read ", path.string(), ": it is a pipe or a device, not a regular file");
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
}

RegularFile::~RegularFile() { ::close(descriptor_); }

void RegularFile::read(std::uint64_t begin, std::span<char> bytes) const {
  while (!bytes.empty()) {
    const ssize_t count =
        ::pread(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(begin));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_with(errno, "read", path_);
    require(count > 0, "cannot read ", path_.string(),
            ": it was truncated while it was being read");
    begin += static_cast<std::uint64_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

std::string read_regular_file(const fs::path& path, std::uint64_t most) {
  const RegularFile file(path);
  require(file.size() <= most, "cannot read ", path.string(), ": it has ", file.size(),
          " bytes, and the limit is ", most);
  std::string text(file.size(), '\0');
  file.read(0, text);
  return text;
}

std::vector<std::string> lines_of(std::string_view text) {
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.emplace_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::vector<std::string> read_lines(const fs::path& path) { return lines_of(read_file(path)); }

void write_file(const fs::path& path, std::string_view text) {
  write_file(path, std::span(&text, 1));
}

void write_file(const fs::path& path, std::span<const std::string_view> pieces) {
  const fs::path target = real_target(path);
  Temporary file(target);
  const auto write = [&](std::string_view piece) { return file.write(piece); };
  if (!file.is_open() || !std::ranges::all_of(pieces, write) || !file.put_in_place())
    fail_with(errno, "write", path);
  sync_folder(target);
}

void remove_leftovers(const fs::path& path) {
  std::error_code ignored;
  const fs::path target = fs::exists(path, ignored) ? fs::canonical(path, ignored) : path;
  const std::string beginning = target.filename().string() + temporary_mark;
  std::vector<fs::path> left;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_of(target), ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(beginning) && !may_run(std::string_view(name).substr(beginning.size())))
      left.push_back(entry.path());
  }
  for (const fs::path& file : left) fs::remove(file, ignored);
}

}  // namespace adjoint
