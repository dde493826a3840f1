// The course of a run as a file of JSON lines, for whoever wants to plot it.
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

/// The names and values of a line, in their order.
using Metrics = std::vector<std::pair<std::string, std::variant<Index, double, std::string>>>;

/// Appends a line at a time, whole or not at all: a run killed at any moment leaves at most one
/// line without an end, which the next run removes. A run that goes on from step s keeps the lines
/// up to s and writes the later ones anew, so no step is there twice; for that each line carries
/// its step, and lines are to be written before the training state of their step is saved.
class MetricsLog {
 public:
  /// Continues the log of a run that has done so many steps (0: a run from its beginning), and
  /// creates it if there is none. A pipe or device is written to as it is. Error when the file
  /// cannot be written, or holds a line that is not of such a log; it is then left as it is.
  MetricsLog(const std::filesystem::path& path, Index steps_done);
  ~MetricsLog();
  MetricsLog(const MetricsLog&) = delete;
  MetricsLog& operator=(const MetricsLog&) = delete;

  /// NaN and infinities become null, which JSON has in their place. Error when a name is used
  /// twice, a text is not UTF-8, or the disk is full.
  void write(Index step, const Metrics& metrics);

 private:
  std::filesystem::path path_;
  int file_;
};

}  // namespace adjoint::nn
