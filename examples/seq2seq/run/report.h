// What a training run reports: its progress on standard output, and its log.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "examples/seq2seq/run/run.h"
#include "nn/training/metrics_log.h"

namespace adjoint::seq2seq {

/// Prints a line for each epoch, and on a terminal a progress line that rewrites itself. Logs each
/// step and epoch. Times and speeds are those of this process, even if it resumed a run.
class Report {
 public:
  /// Without a log if its path is empty.
  Report(const Run& run, const std::filesystem::path& log);
  /// Clears the progress line, however the run ended.
  ~Report() {
    if (terminal_) rewrite("");
  }
  Report(const Report&) = delete;
  Report& operator=(const Report&) = delete;

  /// After each step; `epoch` is the one that it belongs to, counted from 1.
  void step(Index epoch, const nn::StepResult& result);
  void end_epoch(const EpochResult& result);

 private:
  using Clock = std::chrono::steady_clock;
  double seconds_since(Clock::time_point start) const;
  double fraction_done() const;  // of all epochs
  void rewrite(const std::string& line) const;
  void log(nn::Metrics metrics);

  const Run& run_;
  std::optional<nn::MetricsLog> log_;
  bool terminal_;
  double fraction_at_start_;
  Index epoch_tokens_ = 0;
  double training_seconds_ = 0;  // of the epoch, without validation
  Clock::time_point run_start_ = Clock::now(), epoch_start_ = run_start_, last_shown_ = run_start_;
};

}  // namespace adjoint::seq2seq
