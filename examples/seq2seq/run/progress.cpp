#include "examples/seq2seq/run/progress.h"

#include <unistd.h>

#include <cstdio>
#include <iostream>

namespace adjoint::seq2seq {

Progress::Progress(const Run& run)
    : run_(run), terminal_(isatty(STDOUT_FILENO) == 1), share_at_start_(share_done()) {}

double Progress::seconds_since(Clock::time_point start) const {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void Progress::rewrite(const std::string& line) {
  std::cout << "\r\033[K" << line << std::flush;  // back to the first column, and clear the line
}

double Progress::share_done() const {
  const double epoch =
      static_cast<double>(run_.batch()) / static_cast<double>(run_.batches_in_epoch());
  return (static_cast<double>(run_.epochs_done()) + epoch) / static_cast<double>(run_.epochs());
}

void Progress::step(const nn::StepResult& result) {
  tokens_ += result.tokens;
  training_seconds_ = seconds_since(epoch_start_);  // without what comes after the last batch
  // After the last batch of an epoch its closing line follows.
  if (!terminal_ || run_.at_end_of_epoch() || seconds_since(last_shown_) < 0.1) return;
  last_shown_ = Clock::now();
  const double left = seconds() * (1 - share_done()) / (share_done() - share_at_start_);
  char line[160];
  std::snprintf(line, sizeof line, "epoch %ld of %ld, batch %ld of %ld, loss %.3f, %.0f s left",
                static_cast<long>(run_.epochs_done() + 1), static_cast<long>(run_.epochs()),
                static_cast<long>(run_.batch()), static_cast<long>(run_.batches_in_epoch()),
                result.loss, left);
  rewrite(line);
}

void Progress::end_epoch(const EpochResult& result) {
  char line[160], held[32] = "", bleu[32] = "";
  if (result.validation_loss)
    std::snprintf(held, sizeof held, "  validation %.3f", *result.validation_loss);
  if (result.bleu) std::snprintf(bleu, sizeof bleu, "  BLEU %.2f", *result.bleu);
  std::snprintf(line, sizeof line, "epoch %3ld  loss %.3f%s%s  %.0f tokens/s",
                static_cast<long>(run_.epochs_done()), result.loss, held, bleu,
                static_cast<double>(tokens_) / training_seconds_);
  if (terminal_) rewrite("");
  std::cout << line << std::endl;
  tokens_ = 0;
  epoch_start_ = Clock::now();
}

}  // namespace adjoint::seq2seq
