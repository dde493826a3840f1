// What a training run shows while it works.
#pragma once

#include <chrono>
#include <string>

#include "examples/seq2seq/run/run.h"

namespace adjoint::seq2seq {

/// One line that rewrites itself on a terminal; nothing but the closing line of each epoch
/// otherwise, so that a log stays readable. Times and speeds are those of this process, which may
/// go on with a run that another one began.
class Progress {
 public:
  explicit Progress(const Run& run);
  /// Leaves a clean line behind, whatever ended the run.
  ~Progress() {
    if (terminal_) rewrite("");
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void step(const nn::StepResult& result);
  /// Counts the next epoch's time from now on.
  void end_epoch(const EpochResult& result);

  /// Since it was made.
  double seconds() const { return seconds_since(run_start_); }

 private:
  using Clock = std::chrono::steady_clock;
  double seconds_since(Clock::time_point start) const;
  void rewrite(const std::string& line);
  /// Of all epochs, from 0 to 1.
  double share_done() const;

  const Run& run_;
  bool terminal_;
  double share_at_start_;
  Index tokens_ = 0;
  double training_seconds_ = 0;
  Clock::time_point run_start_ = Clock::now(), epoch_start_ = run_start_, last_shown_ = run_start_;
};

}  // namespace adjoint::seq2seq
