#include "examples/seq2seq/run/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <iostream>

namespace adjoint::seq2seq {
namespace {

// "12 s", "3 min", "2 h 5 min"
std::string duration(double seconds) {
  const auto whole = static_cast<Index>(std::llround(seconds));
  if (whole < 1) return text_from(std::fixed, std::setprecision(1), seconds, " s");
  if (whole < 100) return text_from(whole, " s");
  const Index minutes = (whole + 30) / 60;
  if (minutes < 100) return text_from(minutes, " min");
  return text_from(minutes / 60, " h ", minutes % 60, " min");
}

double seconds_since(Progress::Clock::time_point start) {
  return std::chrono::duration<double>(Progress::Clock::now() - start).count();
}

// The figures of an epoch by their names in the log, and the beginning of its line.
std::pair<nn::Metrics, std::string> figures_of(const EpochResult& result, Index epoch,
                                               const std::string& best_by) {
  nn::Metrics metrics = {{"epoch", epoch}, {"training_loss", result.loss}};
  TextStream line;
  line << std::fixed << std::setprecision(3) << "epoch " << std::setw(3) << epoch << "  loss "
       << result.loss;
  if (result.alignment_loss) {
    metrics.emplace_back("alignment_loss", *result.alignment_loss);
    line << "  alignment " << *result.alignment_loss;
  }
  if (result.validation_loss) {
    metrics.emplace_back("validation_loss", *result.validation_loss);
    line << "  validation " << *result.validation_loss;
  }
  if (result.bleu) {
    metrics.emplace_back("validation_bleu", *result.bleu);
    line << "  BLEU " << std::setprecision(2) << *result.bleu;
  }
  if (result.figure && best_by != "bleu") {
    std::string key = "validation_" + best_by;
    std::ranges::replace(key, '-', '_');
    metrics.emplace_back(key, *result.figure);
    line << "  " << best_by << ' ' << std::setprecision(2) << *result.figure;
  }
  return {std::move(metrics), line.str()};
}

}  // namespace

Progress::Progress(const Run& run, const std::filesystem::path& log)
    : run_(run), terminal_(isatty(STDOUT_FILENO) == 1), fraction_at_start_(fraction_done()) {
  if (!log.empty()) log_.emplace(log, run.steps());
}

Progress::~Progress() { rewrite(""); }

void Progress::step(Index epoch, const nn::StepResult& result) {
  nn::Metrics metrics = {{"epoch", epoch},
                         {"loss", result.loss},
                         {"tokens", result.tokens},
                         {"gradient_norm", result.gradient_norm},
                         {"learning_rate", run_.learning_rate()}};
  if (result.aligned > 0) metrics.emplace_back("alignment_loss", result.alignment_loss);
  log(std::move(metrics));
  epoch_tokens_ += result.tokens;
  training_seconds_ = seconds_since(epoch_start_);
  // The last batch of an epoch is followed by the line of the epoch.
  if (!terminal_ || run_.at_end_of_epoch() || seconds_since(last_shown_) < 0.1) return;
  last_shown_ = Clock::now();
  const double left =
      seconds_since(run_start_) * (1 - fraction_done()) / (fraction_done() - fraction_at_start_);
  rewrite(text_from("epoch ", epoch, " of ", run_.epochs(), ", batch ", run_.batch(), " of ",
                    run_.batches_in_epoch(), std::fixed, std::setprecision(3), ", loss ",
                    result.loss, std::setprecision(0), ", ", left, " s left"));
}

void Progress::end_epoch(const EpochResult& result, const std::string& best_by) {
  auto [metrics, line] = figures_of(result, run_.epochs_done(), best_by);
  log(std::move(metrics));
  const double speed = static_cast<double>(epoch_tokens_) / training_seconds_;
  print(text_from(line, "  ", std::fixed, std::setprecision(0), speed, " tokens/s  ", time_left()));
  epoch_tokens_ = 0;
  epoch_start_ = Clock::now();
}

void Progress::passed(const GradcheckReport& check, Clock::time_point start) {
  const Clock::duration taken = Clock::now() - start;
  epoch_start_ += taken;
  print(text_from("step ", run_.steps() + 1, "  gradient ", name_of(check.verdict()),
                  std::setprecision(2), ", worst relative error ", check.worst_error, std::fixed,
                  std::setprecision(1), "  ", std::chrono::duration<double>(taken).count(), " s"));
  const auto doubt = std::ranges::find(check.findings, Finding::Kind::undecidable, &Finding::kind);
  if (doubt != check.findings.end()) print("  " + doubt->where + ": " + doubt->note);
}

void Progress::print(const std::string& line) const {
  rewrite("");
  std::cout << line << std::endl;
}

// Goes to column 1 and clears the line.
void Progress::rewrite(const std::string& line) const {
  if (terminal_) std::cout << "\r\033[K" << line << std::flush;
}

void Progress::log(nn::Metrics metrics) {
  metrics.emplace_back("seconds", seconds_since(run_start_));
  if (log_) log_->write(run_.steps(), metrics);
}

// "12 s, 3 min left": of the epoch, and of the others if they take as long as the mean of those
// that this process has done.
std::string Progress::time_left() {
  const double seconds = seconds_since(epoch_start_);
  seconds_of_epochs_ += seconds;
  ++epochs_;
  const Index left = run_.epochs() - run_.epochs_done();
  if (run_.finished()) return duration(seconds);
  return duration(seconds) + ", " +
         duration(seconds_of_epochs_ / static_cast<double>(epochs_) * static_cast<double>(left)) +
         " left";
}

double Progress::fraction_done() const {
  const double epoch =
      static_cast<double>(run_.batch()) / static_cast<double>(run_.batches_in_epoch());
  return (static_cast<double>(run_.epochs_done()) + epoch) / static_cast<double>(run_.epochs());
}

}  // namespace adjoint::seq2seq
