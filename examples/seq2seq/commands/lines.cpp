#include "examples/seq2seq/commands/lines.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "data/pairs/lines.h"

namespace adjoint::seq2seq {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

bool is_standard_input(const std::filesystem::path& path) { return path.empty() || path == "-"; }

std::string reason() { return std::generic_category().message(errno); }

}  // namespace

void add_on_error(Options& options, OnError& on_error, const std::string& instead) {
  options.add_choice(
      "--on-error", on_error, {{"continue", OnError::go_on}, {"stop", OnError::stop}},
      "what to do after a line that cannot be answered: " + instead + " and continue, or stop");
}

void require_text(std::string_view line) {
  if (const auto bad = data::find_bad_byte(line)) fail("column ", bad->column, ": ", bad->what);
}

Lines::Lines(const std::filesystem::path& path)
    : name_(is_standard_input(path) ? "standard input" : path.string()),
      descriptor_(is_standard_input(path) ? STDIN_FILENO
                                          : ::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  require(descriptor_ >= 0, "cannot read ", name_, ": ", reason());
}

Lines::~Lines() {
  if (descriptor_ != STDIN_FILENO) ::close(descriptor_);
}

std::vector<std::string> Lines::next(Index most) {
  before_ = taken_;
  std::vector<std::string> lines;
  for (std::string line; std::ssize(lines) < most;) {
    if (take(line))
      lines.push_back(std::move(line));
    else if (ended_ || (!lines.empty() && !more_has_arrived()))
      break;
    else
      read_some();
  }
  if (taken_ == 0 && !lines.empty() && lines.front().starts_with(byte_order_mark))
    lines.front().erase(0, byte_order_mark.size());
  taken_ += lines.size();
  return lines;
}

std::string Lines::location(std::size_t index) const {
  const std::string number = std::to_string(before_ + index + 1);
  return descriptor_ == STDIN_FILENO ? name_ + ", line " + number : name_ + ":" + number;
}

// Takes the next line, if all of it has been read, or if it is already too long.
bool Lines::take(std::string& line) {
  std::size_t end = buffer_.find('\n', begin_);
  if (skipping_) {
    begin_ = end == std::string::npos ? buffer_.size() : end + 1;
    skipping_ = end == std::string::npos && !ended_;
    if (skipping_) return false;
    end = buffer_.find('\n', begin_);
  }
  const std::size_t length = std::min(end, buffer_.size()) - begin_;
  const bool whole = end != std::string::npos;
  if (!whole && length <= longest && (!ended_ || length == 0)) return false;
  line = buffer_.substr(begin_, std::min(length, longest + 1));
  begin_ += whole ? length + 1 : length;
  skipping_ = !whole && !ended_;
  if (line.size() <= longest && line.ends_with('\r')) line.pop_back();
  return true;
}

bool Lines::more_has_arrived() const {
  pollfd input{.fd = descriptor_, .events = POLLIN, .revents = 0};
  return ::poll(&input, 1, 0) > 0;
}

// Waits until something arrives.
void Lines::read_some() {
  buffer_.erase(0, begin_);
  begin_ = 0;
  std::array<char, 1 << 16> block;
  ssize_t count;
  do {
    count = ::read(descriptor_, block.data(), block.size());
  } while (count < 0 && errno == EINTR);
  require(count >= 0, "cannot read ", name_, ": ", reason());
  buffer_.append(block.data(), static_cast<std::size_t>(count));
  ended_ = count == 0;
}

}  // namespace adjoint::seq2seq
