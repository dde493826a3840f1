#include "autograd/support/files.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <sstream>
#include <system_error>

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

/// Unique among running processes and among the calls of this one. If such a file exists, a crashed
/// process left it, and it can be overwritten.
fs::path temporary_name(const fs::path& target) {
  static std::atomic<unsigned> calls = 0;
  fs::path name = target;
  name += temporary_mark + std::to_string(::getpid()) + "-" + std::to_string(calls++);
  return name;
}

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

std::vector<std::string> read_lines(const fs::path& path) {
  std::string text = read_file(path);
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  std::vector<std::string> lines;
  std::istringstream stream(std::move(text));
  for (std::string line; std::getline(stream, line);) {
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back(line);
  }
  return lines;
}

void write_file(const fs::path& path, std::string_view text) {
  write_file(path, std::span(&text, 1));
}

void write_file(const fs::path& path, std::span<const std::string_view> pieces) {
  const fs::path target = real_target(path), temporary = temporary_name(target);
  File file = open(temporary, "wbe");
  if (!file) fail_with(errno, "write", path);
  const auto write = [&](std::string_view piece) {
    return std::fwrite(piece.data(), 1, piece.size(), file.get()) == piece.size();
  };
  // fsync before rename: otherwise a crash may leave the new name with no bytes behind it. Some
  // file systems report a full disk only in fclose.
  if (!std::ranges::all_of(pieces, write) || std::fflush(file.get()) != 0 ||
      ::fsync(::fileno(file.get())) != 0 || std::fclose(file.release()) != 0 ||
      ::rename(temporary.c_str(), target.c_str()) != 0) {
    const int reason = errno;  // before unlink can change it
    ::unlink(temporary.c_str());
    fail_with(reason, "write", path);
  }
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
