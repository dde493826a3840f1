// How far a run is, on standard output and in its log.
#pragma once

#include <chrono>

#include "examples/seq2seq/run/run.h"
#include "nn/training/metrics_log.h"

namespace adjoint::seq2seq {

/// Prints a line for each epoch, and on a terminal a progress line that rewrites itself. Logs each
/// step and epoch, unless the log's path is empty. Times and speeds are those of this process, even
/// if it resumed a run.
class Progress {
 public:
  using Clock = std::chrono::steady_clock;

  Progress(const Run& run, const std::filesystem::path& log);
  /// Clears the progress line, however the run ended.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// After each step; `epoch` is the one that it belongs to, counted from 1.
  void step(Index epoch, const nn::StepResult& result);
  void end_epoch(const EpochResult& result, const std::string& best_by);
  /// A gradient check that has found nothing wrong. Its time does not count as that of training.
  void passed(const GradcheckReport& check, Clock::time_point start);

 private:
  void print(const std::string& line) const;
  void rewrite(const std::string& line) const;
  void log(nn::Metrics metrics);
  std::string time_left();
  double fraction_done() const;  // of all epochs

  const Run& run_;
  std::optional<nn::MetricsLog> log_;
  bool terminal_;
  double fraction_at_start_;
  Index epoch_tokens_ = 0;
  double training_seconds_ = 0;   // of the epoch, without validation
  double seconds_of_epochs_ = 0;  // with validation
  Index epochs_ = 0;              // that this process has done
  Clock::time_point run_start_ = Clock::now(), epoch_start_ = run_start_, last_shown_ = run_start_;
};

}  // namespace adjoint::seq2seq
