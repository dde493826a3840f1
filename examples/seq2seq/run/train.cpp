#include <atomic>
#include <cmath>
#include <csignal>
#include <iostream>

#include "autograd/support/files.h"
#include "examples/seq2seq/run/progress.h"
#include "examples/seq2seq/run/recorder.h"
#include "nn/saving/checkpoint.h"

namespace adjoint::seq2seq {
namespace {

namespace fs = std::filesystem;

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
std::optional<GradcheckReport> wrong_gradient(const Run& run, Progress& progress) {
  if (!run.check_is_due()) return std::nullopt;
  const auto start = Progress::Clock::now();
  GradcheckReport check = run.check_gradient();
  if (check.verdict() == Verdict::failed) return check;
  progress.passed(check, start);
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
                                          Progress& progress, Recorder* recorder,
                                          std::vector<EpochResult>& epochs) {
  const TrainingSettings& settings = model.settings.training;
  const auto handler = handle_interrupts();
  bool stop = false;
  while (!run.finished() && !stop) {
    if (auto wrong = wrong_gradient(run, progress)) {
      save(run, recorder, destination);
      return wrong;
    }
    const Index epoch = run.epochs_done() + 1;
    progress.step(epoch, take_step(run, recorder, destination));
    if (run.at_end_of_epoch()) {
      const EpochResult result = run.end_epoch();
      progress.end_epoch(result, settings.best_by);
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
  Progress progress(run, log);
  const fs::path folder = destination.begin();
  save_description(model, dataset.held_out, folder);
  nn::save_state(run, folder / state_file);  // reports a full disk before any work is done
  std::optional<Recorder> recorder;
  if (records) recorder.emplace(model, dataset, folder, run.steps());

  std::vector<EpochResult> epochs;
  std::optional<GradcheckReport> wrong =
      take_steps(run, model, destination, progress, recorder ? &*recorder : nullptr, epochs);
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
