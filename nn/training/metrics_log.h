// The metrics of a run as a file of JSON lines, for plots.
//
//   {"step":100,"epoch":1,"loss":3.217,"learning_rate":0.001,"gradient_norm":1.84,...}
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "autograd/shape.h"

namespace adjoint::nn {

/// The names and values of a line, in order.
using Metrics = std::vector<std::pair<std::string, std::variant<Index, double, std::string>>>;

/// Appends lines, each whole or not at all: a run that is killed leaves at most one unfinished
/// line, which the next run removes. A run resumed after step s keeps the lines up to s and writes
/// later ones again, so no step appears twice. For that to work, write the lines of a step before
/// saving its training state.
class MetricsLog {
 public:
  /// Continues the log of a run that has done `steps_done` steps, or creates it. A pipe or device
  /// is simply written to. Error if the file cannot be written, contains a line that is not a JSON
  /// object with a step, or ends in text that is not the beginning of one. The file is then
  /// unchanged.
  MetricsLog(const std::filesystem::path& path, Index steps_done);
  /// Error as the constructor's, if the file holds anything but a log. Opens it for reading alone.
  static void check(const std::filesystem::path& path);
  ~MetricsLog();
  MetricsLog(const MetricsLog&) = delete;
  MetricsLog& operator=(const MetricsLog&) = delete;

  /// NaN and infinities become null, since JSON has no such numbers. Error if a name occurs twice,
  /// a text is not UTF-8, or the disk is full.
  void write(Index step, const Metrics& metrics);

 private:
  std::filesystem::path path_;
  int file_;
};

}  // namespace adjoint::nn
