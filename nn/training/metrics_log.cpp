#include "nn/training/metrics_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>

#include "autograd/support/error.h"
#include "autograd/support/files.h"

namespace adjoint::nn {
namespace {

constexpr auto step_key = "step";

[[noreturn]] void fail_with_errno(const std::filesystem::path& path) {
  fail("cannot write ", path.string(), ": ", std::generic_category().message(errno));
}

// The step that a line is about. Error when it does not say.
Index step_of(std::string_view line, const std::filesystem::path& path, std::size_t number) {
  const nlohmann::json json = nlohmann::json::parse(line, nullptr, false);
  require(json.is_object() && json.contains(step_key) && json[step_key].is_number_unsigned(),
          path.string(), ": line ", number,
          " is not of a metrics log: it should be a JSON object with a step");
  return json[step_key].get<Index>();
}

// The lines up to a step. What follows the last line's end was cut off while it was written.
std::string kept_lines(const std::string& text, Index steps_done,
                       const std::filesystem::path& path) {
  std::string kept;
  std::size_t begin = 0;
  for (std::size_t number = 1;; ++number) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string::npos) return kept;
    const std::string_view line = std::string_view(text).substr(begin, end + 1 - begin);
    if (step_of(line, path, number) <= steps_done) kept += line;
    begin = end + 1;
  }
}

}  // namespace

MetricsLog::MetricsLog(const std::filesystem::path& path, Index steps_done) : path_(path) {
  if (std::filesystem::is_regular_file(path)) {
    const std::string text = read_file(path);
    const std::string kept = kept_lines(text, steps_done, path);
    if (kept != text) write_file(path, kept);
  }
  file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file_ < 0) fail_with_errno(path);
}

MetricsLog::~MetricsLog() { ::close(file_); }

void MetricsLog::write(Index step, const Metrics& metrics) {
  nlohmann::ordered_json json;
  json[step_key] = step;
  for (const auto& [name, value] : metrics) {
    require(!json.contains(name), "metrics log: the name '", name, "' is used twice");
    std::visit([&](const auto& v) { json[name] = v; }, value);
  }
  std::string line;
  try {
    line = json.dump() + "\n";
  } catch (const nlohmann::json::type_error&) {
    fail(path_.string(), ": cannot write what is not UTF-8");
  }
  // In one call, at the end of the file, so that lines do not mix. A disk that becomes full may
  // take a part, which would stand before the next line.
  const off_t before = ::lseek(file_, 0, SEEK_END);
  const ssize_t written = ::write(file_, line.data(), line.size());
  if (written == static_cast<ssize_t>(line.size())) return;
  if (written >= 0) errno = ENOSPC;
  const int reason = errno;
  if (written > 0 && before >= 0) static_cast<void>(::ftruncate(file_, before));
  errno = reason;
  fail_with_errno(path_);
}

}  // namespace adjoint::nn
