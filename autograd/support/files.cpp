#include "autograd/support/files.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <system_error>
#include <utility>

#include "autograd/support/error.h"

namespace adjoint {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_with_errno(std::string_view action, const fs::path& path) {
  const int reason = errno;  // before anything else can change it
  fail("cannot ", action, " ", path.string(), ": ", std::generic_category().message(reason));
}

/// An open file; closed when it goes out of scope.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int number() const { return number_; }
  bool is_open() const { return number_ >= 0; }
  /// Some file systems report a full disk only here.
  bool close() { return ::close(std::exchange(number_, -1)) == 0; }

 private:
  int number_;
};

/// Removes the temporary file unless it has become the real one.
class RemoveUnlessKept {
 public:
  explicit RemoveUnlessKept(fs::path path) : path_(std::move(path)) {}
  RemoveUnlessKept(const RemoveUnlessKept&) = delete;
  RemoveUnlessKept& operator=(const RemoveUnlessKept&) = delete;
  ~RemoveUnlessKept() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  void keep() { path_.clear(); }

 private:
  fs::path path_;
};

/// Where the bytes shall really go. Links are followed, so that the link stays one. A rename over
/// /dev/null would replace the device by a file, so only regular files are accepted.
fs::path real_target(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return path;
  require(fs::is_regular_file(path, ignored), "cannot write ", path.string(),
          ": it exists and is not a regular file");
  const fs::path target = fs::canonical(path, ignored);
  return target.empty() ? path : target;
}

constexpr auto temporary_mark = ".tmp-";

/// The name is unique among running processes and among the calls of this one; a file of that
/// name can only be left over from a crash, and is overwritten.
fs::path temporary_name(const fs::path& target) {
  static std::atomic<unsigned> calls = 0;
  fs::path name = target;
  name += temporary_mark + std::to_string(::getpid()) + "-" + std::to_string(calls++);
  return name;
}

fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

/// Whether a process of this number runs; text that begins with no number is nobody's to remove.
bool may_run(std::string_view text) {
  pid_t process = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), process);
  if (error != std::errc() || process <= 0) return true;
  return ::kill(process, 0) == 0 || errno != ESRCH;
}

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

/// Makes the rename itself survive a loss of power. Some file systems cannot do this for a folder;
/// the text is complete all the same, so a failure is not an error.
void sync_folder(const fs::path& file) {
  const Descriptor descriptor(::open(folder_of(file).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.is_open()) ::fsync(descriptor.number());
}

}  // namespace

std::string read_file(const fs::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) fail_with_errno("read", path);
  std::string text;
  std::array<char, 1 << 16> block;
  for (;;) {
    const ssize_t count = ::read(file.number(), block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_with_errno("read", path);  // a folder opens, but cannot be read
    if (count == 0) return text;
    text.append(block.data(), static_cast<std::size_t>(count));
  }
}

std::vector<std::string> read_lines(const fs::path& path) {
  const std::string text = read_file(path);
  std::string_view rest = text;
  if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);

  std::vector<std::string> lines;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.emplace_back(line);
  }
  return lines;
}

void write_file(const fs::path& path, std::string_view text) {
  write_file(path, std::span(&text, 1));
}

void write_file(const fs::path& path, std::span<const std::string_view> pieces) {
  const fs::path target = real_target(path);
  const fs::path temporary = temporary_name(target);

  Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!file.is_open()) fail_with_errno("write", path);
  RemoveUnlessKept guard(temporary);

  // fsync before rename: otherwise a crash may leave the new name with no bytes behind it.
  const auto write_piece = [&](std::string_view piece) { return write_all(file.number(), piece); };
  const bool written = std::ranges::all_of(pieces, write_piece) && ::fsync(file.number()) == 0 &&
                       file.close() && ::rename(temporary.c_str(), target.c_str()) == 0;
  if (!written) fail_with_errno("write", path);
  guard.keep();
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
