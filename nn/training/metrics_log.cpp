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

[[noreturn]] void fail_with(int reason, const std::filesystem::path& path) {
  fail("cannot write ", path.string(), ": ", std::generic_category().message(reason));
}

// Whether the text could be the beginning of a line of a log: {"step":12,…
bool may_be_unfinished(std::string_view text) {
  constexpr std::string_view beginning = R"({"step":)";
  if (!text.starts_with(beginning)) return beginning.starts_with(text);
  text.remove_prefix(beginning.size());
  const std::size_t digits = text.find_first_not_of("0123456789");
  return digits == std::string_view::npos ||
         (digits > 0 && (text[digits] == ',' || text[digits] == '}'));
}

// The lines up to a step. Text after the last newline is a line that was never finished.
std::string kept_lines(std::string_view text, Index steps_done, const std::filesystem::path& path) {
  std::string kept;
  std::size_t number = 0;
  for (std::size_t end; (end = text.find('\n')) != std::string_view::npos;) {
    const std::string_view line = text.substr(0, end + 1);
    const nlohmann::json json = nlohmann::json::parse(line, nullptr, false);
    require(json.is_object() && json.contains(step_key) && json[step_key].is_number_unsigned(),
            path.string(), ": line ", ++number,
            " is not from a metrics log, whose lines are JSON objects with a step");
    if (json[step_key].get<Index>() <= steps_done) kept += line;
    text.remove_prefix(end + 1);
  }
  require(may_be_unfinished(text), path.string(),
          ": its last line is not from a metrics log, whose lines are JSON objects with a step");
  return kept;
}

}  // namespace

MetricsLog::MetricsLog(const std::filesystem::path& path, Index steps_done) : path_(path) {
  if (std::filesystem::is_regular_file(path)) {
    const std::string text = read_file(path);
    const std::string kept = kept_lines(text, steps_done, path);
    if (kept != text) write_file(path, kept);
  }
  file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file_ < 0) fail_with(errno, path);
}

void MetricsLog::check(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_regular_file(path, ignored)) kept_lines(read_file(path), 0, path);
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
    fail(path_.string(), ": cannot write text that is not UTF-8");
  }
  // One call, which appends at the end of the file, so that lines of several writers do not mix.
  const off_t before = ::lseek(file_, 0, SEEK_END);
  const ssize_t written = ::write(file_, line.data(), line.size());
  if (written == static_cast<ssize_t>(line.size())) return;
  const int reason = written < 0 ? errno : ENOSPC;
  // A disk that filled up took part of the line: remove it.
  if (written > 0 && before >= 0) static_cast<void>(::ftruncate(file_, before));
  fail_with(reason, path_);
}

}  // namespace adjoint::nn
