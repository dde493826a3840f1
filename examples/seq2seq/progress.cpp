#include "examples/seq2seq/progress.h"

#include <unistd.h>

#include <cstdio>
#include <iostream>

namespace adjoint::seq2seq {

Progress::Progress(Index epochs, std::size_t batches)
    : epochs_(epochs), batches_(batches), terminal_(isatty(STDOUT_FILENO) == 1) {}

double Progress::seconds_since(Clock::time_point start) const {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void Progress::rewrite(const std::string& line) {
  std::cout << "\r\033[K" << line << std::flush;  // back to the first column, and clear the line
}

void Progress::begin_epoch(Index epoch) {
  epoch_ = epoch;
  tokens_ = 0;
  epoch_start_ = last_shown_ = Clock::now();
}

void Progress::batch(std::size_t done, double loss, Index tokens) {
  tokens_ += tokens;
  training_seconds_ = seconds_since(epoch_start_);  // without what comes after the last batch
  if (!terminal_ || seconds_since(last_shown_) < 0.1) return;
  last_shown_ = Clock::now();
  const double share = (static_cast<double>(epoch_ - 1) +
                        static_cast<double>(done) / static_cast<double>(batches_)) /
                       static_cast<double>(epochs_);
  const double left = seconds_since(run_start_) * (1 - share) / share;
  char line[160];
  std::snprintf(line, sizeof line, "epoch %ld of %ld, batch %zu of %zu, loss %.3f, %.0f s left",
                static_cast<long>(epoch_), static_cast<long>(epochs_), done, batches_, loss, left);
  rewrite(line);
}

void Progress::end_epoch(double loss, std::optional<double> validation) {
  char line[160];
  char held[40] = "";
  if (validation) std::snprintf(held, sizeof held, "  validation %.3f", *validation);
  std::snprintf(line, sizeof line, "epoch %3ld  loss %.3f%s  %.0f tokens/s",
                static_cast<long>(epoch_), loss, held,
                static_cast<double>(tokens_) / training_seconds_);
  if (terminal_) rewrite("");
  std::cout << line << std::endl;
}

}  // namespace adjoint::seq2seq
