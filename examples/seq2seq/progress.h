// What a training run shows while it works.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "autograd/shape.h"

namespace adjoint::seq2seq {

/// One line that rewrites itself on a terminal; nothing but the closing line of each epoch
/// otherwise, so that a log stays readable.
class Progress {
 public:
  Progress(Index epochs, std::size_t batches);
  /// Leaves a clean line behind, whatever ended the run.
  ~Progress() {
    if (terminal_) rewrite("");
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void begin_epoch(Index epoch);
  void batch(std::size_t done, double loss, Index tokens);
  void end_epoch(double loss, std::optional<double> validation);

 private:
  using Clock = std::chrono::steady_clock;
  double seconds_since(Clock::time_point start) const;
  void rewrite(const std::string& line);

  Index epochs_, epoch_ = 0;
  std::size_t batches_;
  bool terminal_;
  Index tokens_ = 0;
  double training_seconds_ = 0;
  Clock::time_point run_start_ = Clock::now(), epoch_start_, last_shown_;
};

}  // namespace adjoint::seq2seq
