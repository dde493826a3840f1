#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <iomanip>
#include <iostream>

#include "autograd/support/files.h"
#include "examples/seq2seq/run/recorder.h"
#include "nn/saving/checkpoint.h"
#include "nn/training/metrics_log.h"

namespace adjoint::seq2seq {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// ---- Reporting ----------------------------------------------------------------------------------

// "12 s", "3 min", "2 h 5 min"
std::string duration(double seconds) {
  const auto whole = static_cast<Index>(std::llround(seconds));
  if (whole < 1) return text_from(std::fixed, std::setprecision(1), seconds, " s");
  if (whole < 100) return text_from(whole, " s");
  const Index minutes = (whole + 30) / 60;
  if (minutes < 100) return text_from(minutes, " min");
  return text_from(minutes / 60, " h ", minutes % 60, " min");
}

/// Prints a line for each epoch, and on a terminal a progress line that rewrites itself. Logs each
/// step and epoch, unless the log's path is empty. Times and speeds are those of this process, even
/// if it resumed a run.
class Report {
 public:
  Report(const Run& run, const fs::path& log) : run_(run), fraction_at_start_(fraction_done()) {
    if (!log.empty()) log_.emplace(log, run.steps());
  }
  /// Clears the progress line, however the run ended.
  ~Report() { rewrite(""); }

  /// After each step; `epoch` is the one that it belongs to, counted from 1.
  void step(Index epoch, const nn::StepResult& result) {
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

  void end_epoch(const EpochResult& result, const std::string& best_by) {
    nn::Metrics metrics = {{"epoch", run_.epochs_done()}, {"training_loss", result.loss}};
    TextStream line;
    line << std::fixed << std::setprecision(3) << "epoch " << std::setw(3) << run_.epochs_done()
         << "  loss " << result.loss;
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
    log(std::move(metrics));
    line << "  " << std::setprecision(0) << static_cast<double>(epoch_tokens_) / training_seconds_
         << " tokens/s  " << time_left();
    print(line.str());
    epoch_tokens_ = 0;
    epoch_start_ = Clock::now();
  }

  /// A gradient check that has found nothing wrong. Its time does not count as that of training.
  void passed(const GradcheckReport& check, Clock::time_point start) {
    const Clock::duration taken = Clock::now() - start;
    epoch_start_ += taken;
    print(text_from("step ", run_.steps() + 1, "  gradient ", name_of(check.verdict()),
                    std::setprecision(2), ", worst relative error ", check.worst_error, std::fixed,
                    std::setprecision(1), "  ", std::chrono::duration<double>(taken).count(),
                    " s"));
    const auto doubt =
        std::ranges::find(check.findings, Finding::Kind::undecidable, &Finding::kind);
    if (doubt != check.findings.end()) print("  " + doubt->where + ": " + doubt->note);
  }

 private:
  void print(const std::string& line) const {
    rewrite("");
    std::cout << line << std::endl;
  }

  // "12 s, 3 min left": of the epoch, and of the others if they take as long as the mean of those
  // that this process has done.
  std::string time_left() {
    const double seconds = seconds_since(epoch_start_);
    seconds_of_epochs_ += seconds;
    ++epochs_;
    const Index left = run_.epochs() - run_.epochs_done();
    if (run_.finished()) return duration(seconds);
    return duration(seconds) + ", " +
           duration(seconds_of_epochs_ / static_cast<double>(epochs_) * static_cast<double>(left)) +
           " left";
  }

  static double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }
  double fraction_done() const {  // of all epochs
    const double epoch =
        static_cast<double>(run_.batch()) / static_cast<double>(run_.batches_in_epoch());
    return (static_cast<double>(run_.epochs_done()) + epoch) / static_cast<double>(run_.epochs());
  }
  void rewrite(const std::string& line) const {  // goes to column 1 and clears the line
    if (terminal_) std::cout << "\r\033[K" << line << std::flush;
  }
  void log(nn::Metrics metrics) {
    metrics.emplace_back("seconds", seconds_since(run_start_));
    if (log_) log_->write(run_.steps(), metrics);
  }

  const Run& run_;
  std::optional<nn::MetricsLog> log_;
  bool terminal_ = isatty(STDOUT_FILENO) == 1;
  double fraction_at_start_;
  Index epoch_tokens_ = 0;
  double training_seconds_ = 0;   // of the epoch, without validation
  double seconds_of_epochs_ = 0;  // with validation
  Index epochs_ = 0;              // that this process has done
  Clock::time_point run_start_ = Clock::now(), epoch_start_ = run_start_, last_shown_ = run_start_;
};

// ---- Training -----------------------------------------------------------------------------------

std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free);  // required in a signal handler

// Until the result is destroyed, the first Ctrl-C sets `interrupted`; a second one kills the
// program.
std::shared_ptr<void> handle_interrupts() {
  interrupted = false;
  const auto former = std::signal(SIGINT, [](int signal) {
    interrupted = true;
    std::signal(signal, SIG_DFL);
  });
  return {nullptr, [former](void*) { std::signal(SIGINT, former); }};
}

// The description has been saved beside them.
void save_weights(Run& run, const Model& model, const fs::path& path) {
  const auto guard = run.with_average();
  nn::save_parameters(*model.network, path, weights_metadata(model.settings, path.parent_path()));
}

// The check of the next step's gradient, if it is due and fails.
std::optional<GradcheckReport> wrong_gradient(const Run& run, Report& report) {
  if (!run.check_is_due()) return std::nullopt;
  const Clock::time_point start = Clock::now();
  GradcheckReport check = run.check_gradient();
  if (check.verdict() == Verdict::failed) return check;
  report.passed(check, start);
  return std::nullopt;
}

// The state is saved last: a run killed before that repeats the step and writes the same again.
void save(Run& run, Recorder* recorder, Destination& destination) {
  if (recorder) recorder->save();
  nn::save_state(run, destination.partial() / state_file);
  destination.keep();
}

nn::StepResult take_step(Run& run, Recorder* recorder, const Destination& destination) {
  if (!recorder) return run.step();
  const Index step = run.steps() + 1;
  recorder->before_step(step);
  try {
    const nn::StepResult result = run.step();
    recorder->after_step(step, result, run.learning_rate());
    return result;
  } catch (const nn::NotFinite&) {
    recorder->not_finite(step);
    if (destination.kept()) recorder->save();
    throw;
  }
}

// Saves the weights of the epoch that has ended, and removes those that are too old.
void keep_epoch(Run& run, const Model& model, Index count, const fs::path& folder) {
  save_weights(run, model, folder / epoch_file(run.epochs_done()));
  for (const std::string& name : files_of_model(folder))
    if (const auto epoch = epoch_of(name); epoch && *epoch <= run.epochs_done() - count)
      fs::remove(folder / name);
}

// Returns the check that has found a wrong gradient and stopped the run, if one has.
std::optional<GradcheckReport> take_steps(Run& run, const Model& model, Destination& destination,
                                          Report& report, Recorder* recorder,
                                          std::vector<EpochResult>& epochs) {
  const TrainingSettings& settings = model.settings.training;
  const auto handler = handle_interrupts();
  bool stop = false;
  while (!run.finished() && !stop) {
    if (auto wrong = wrong_gradient(run, report)) {
      save(run, recorder, destination);
      return wrong;
    }
    const Index epoch = run.epochs_done() + 1;
    report.step(epoch, take_step(run, recorder, destination));
    if (run.at_end_of_epoch()) {
      const EpochResult result = run.end_epoch();
      report.end_epoch(result, settings.best_by);
      epochs.push_back(result);
      if (recorder) {
        const auto guard = run.with_average();
        recorder->end_epoch(run.steps(), run.epochs_done(), result);
      }
      if (result.best) save_weights(run, model, destination.partial() / best_file);
      if (settings.keep_epochs)
        keep_epoch(run, model, *settings.keep_epochs, destination.partial());
    }
    const Index every = settings.save_every;
    const bool is_due = every == 0 ? run.at_end_of_epoch() : run.steps() % every == 0;
    stop = interrupted;
    if (!stop && !is_due && !run.finished()) continue;
    save(run, recorder, destination);
  }
  return std::nullopt;
}

// When patience ended the run, and which epoch is the best.
void report_best(const Run& run, const TrainingSettings& settings) {
  const std::string figure = "validation " + settings.best_by;
  if (run.out_of_patience())
    std::cout << "stopped after epoch " << run.epochs_done() << ": " << settings.patience
              << " epochs without a better " << figure << std::endl;
  const bool keeps_best = settings.keep == "best";
  if ((!run.out_of_patience() && !keeps_best) || !run.best_epoch()) return;
  std::cout << "the best " << figure << ", " << text_from(run.best_figure())
            << ", was that of epoch " << *run.best_epoch()
            << (keeps_best ? "; its weights are the model's"
                           : "; its weights are in best.safetensors, and the model has the last "
                             "ones (--keep best: those of the best epoch)")
            << std::endl;
}

// The settings are known to match the run's, so if the state does not fit, the pairs have changed.
void resume(Run& run, const fs::path& file, const fs::path& log) {
  const nn::Metadata state = nn::SafeTensorsFile(file).metadata();
  require(!log.empty() || !Run::has_log(state),
          "--resume: the run writes a log, which would stop here; give the same --log, or --log "
          "/dev/null to continue without one");
  try {
    run.require_same_alignments(state);
  } catch (const Error&) {
    if (run.changed_splits(state).empty()) throw;  // other pairs have other alignments
  }
  try {
    run.set_logged(Run::has_log(state));
    nn::load_state(run, file);
  } catch (const Error&) {
    std::string splits;
    for (const std::string& split : run.changed_splits(state))
      splits += (splits.empty() ? "" : " and ") + split;
    require(splits.empty(), "--resume: the ", splits,
            " pairs have changed since the run began; give the same files");
    throw;
  }
  const Index begun = run.epochs_done() + (run.batch() > 0);
  require(run.epochs() >= begun, "--resume: the run is in epoch ", begun,
          ", so --epochs must be at least ", begun, ", not ", run.epochs());
  std::cout << "resuming after step " << run.steps() << " (" << run.epochs_done() << " epochs done)"
            << std::endl;
}

}  // namespace

bool has_diverged(double loss, Index tokens) {
  return !(loss <= 2 * std::log(static_cast<double>(tokens)));
}

TrainResult train(Model& model, const Dataset& dataset, Destination& destination,
                  const fs::path& log, bool records) {
  Run run(model, dataset);
  if (destination.resumes()) resume(run, destination.partial() / state_file, log);
  run.set_logged(!log.empty());
  Report report(run, log);
  const fs::path folder = destination.begin();
  save_description(model, dataset.held_out, folder);
  nn::save_state(run, folder / state_file);  // reports a full disk before any work is done
  std::optional<Recorder> recorder;
  if (records) recorder.emplace(model, dataset, folder, run.steps());

  std::vector<EpochResult> epochs;
  std::optional<GradcheckReport> wrong =
      take_steps(run, model, destination, report, recorder ? &*recorder : nullptr, epochs);
  if (recorder && run.finished()) {
    const auto guard = run.with_average();
    recorder->end(run.steps(), run.epochs_done());
  }
  const fs::path weights = folder / weights_file;
  if (model.settings.training.keep == "best" && fs::exists(folder / best_file))
    write_file(weights, read_file(folder / best_file));
  else
    save_weights(run, model, weights);
  nn::load_parameters(*model.network, weights);
  const bool complete = run.finished() && !wrong;
  if (complete) destination.complete();
  if (complete) report_best(run, model.settings.training);
  return {complete, run.last_loss(),
          run.last_loss() && has_diverged(*run.last_loss(), model.target.size()), std::move(epochs),
          std::move(wrong)};
}

}  // namespace adjoint::seq2seq
