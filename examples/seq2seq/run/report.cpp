#include "examples/seq2seq/run/report.h"

#include <unistd.h>

#include <cstdio>
#include <iostream>

namespace adjoint::seq2seq {

Report::Report(const Run& run, const std::filesystem::path& log)
    : run_(run), terminal_(isatty(STDOUT_FILENO) == 1), fraction_at_start_(fraction_done()) {
  if (!log.empty()) log_.emplace(log, run.steps());
}

double Report::seconds_since(Clock::time_point start) const {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double Report::fraction_done() const {
  const double epoch =
      static_cast<double>(run_.batch()) / static_cast<double>(run_.batches_in_epoch());
  return (static_cast<double>(run_.epochs_done()) + epoch) / static_cast<double>(run_.epochs());
}

void Report::rewrite(const std::string& line) const {
  std::cout << "\r\033[K" << line << std::flush;  // go to column 1 and clear the line
}

void Report::log(nn::Metrics metrics) {
  metrics.emplace_back("seconds", seconds_since(run_start_));
  if (log_) log_->write(run_.steps(), metrics);
}

void Report::step(Index epoch, const nn::StepResult& result) {
  log({{"epoch", epoch},
       {"loss", result.loss},
       {"tokens", result.tokens},
       {"gradient_norm", result.gradient_norm},
       {"learning_rate", run_.learning_rate()}});
  epoch_tokens_ += result.tokens;
  training_seconds_ = seconds_since(epoch_start_);
  // The last batch of an epoch is followed by the line of the epoch.
  if (!terminal_ || run_.at_end_of_epoch() || seconds_since(last_shown_) < 0.1) return;
  last_shown_ = Clock::now();
  const double left =
      seconds_since(run_start_) * (1 - fraction_done()) / (fraction_done() - fraction_at_start_);
  char line[160];
  std::snprintf(line, sizeof line, "epoch %ld of %ld, batch %ld of %ld, loss %.3f, %.0f s left",
                static_cast<long>(epoch), static_cast<long>(run_.epochs()),
                static_cast<long>(run_.batch()), static_cast<long>(run_.batches_in_epoch()),
                result.loss, left);
  rewrite(line);
}

void Report::end_epoch(const EpochResult& result) {
  nn::Metrics metrics = {{"epoch", run_.epochs_done()}, {"training_loss", result.loss}};
  char line[160], validation[32] = "", bleu[32] = "";
  if (result.validation_loss) {
    metrics.emplace_back("validation_loss", *result.validation_loss);
    std::snprintf(validation, sizeof validation, "  validation %.3f", *result.validation_loss);
  }
  if (result.bleu) {
    metrics.emplace_back("validation_bleu", *result.bleu);
    std::snprintf(bleu, sizeof bleu, "  BLEU %.2f", *result.bleu);
  }
  log(std::move(metrics));
  std::snprintf(line, sizeof line, "epoch %3ld  loss %.3f%s%s  %.0f tokens/s",
                static_cast<long>(run_.epochs_done()), result.loss, validation, bleu,
                static_cast<double>(epoch_tokens_) / training_seconds_);
  if (terminal_) rewrite("");
  std::cout << line << std::endl;
  epoch_tokens_ = 0;
  epoch_start_ = Clock::now();
}

}  // namespace adjoint::seq2seq
