#include "examples/seq2seq/run/training.h"

#include <iostream>
#include <optional>

#include "autograd/support/files.h"
#include "examples/seq2seq/run/interrupt.h"
#include "examples/seq2seq/run/progress.h"
#include "nn/saving/checkpoint.h"
#include "nn/training/metrics_log.h"

namespace adjoint::seq2seq {
namespace {

namespace fs = std::filesystem;

/// The lines of a run, if it has a log.
class Log {
 public:
  Log(const fs::path& path, const Run& run, const Progress& progress)
      : run_(run), progress_(progress) {
    if (!path.empty()) log_.emplace(path, run.steps());
  }

  void step(Index epoch, const nn::StepResult& result) {
    write({{"epoch", epoch},
           {"loss", result.loss},
           {"tokens", result.tokens},
           {"gradient_norm", result.gradient_norm},
           {"learning_rate", run_.learning_rate()}});
  }
  void end_epoch(const EpochResult& result) {
    nn::Metrics metrics = {{"epoch", run_.epochs_done()}, {"training_loss", result.loss}};
    if (result.validation_loss) metrics.emplace_back("validation_loss", *result.validation_loss);
    if (result.bleu) metrics.emplace_back("validation_bleu", *result.bleu);
    write(std::move(metrics));
  }

 private:
  void write(nn::Metrics metrics) {
    metrics.emplace_back("seconds", progress_.seconds());
    if (log_) log_->write(run_.steps(), metrics);
  }

  const Run& run_;
  const Progress& progress_;
  std::optional<nn::MetricsLog> log_;
};

void save_weights(Run& run, const Model& model, const fs::path& path) {
  const auto guard = run.with_average();
  nn::save_parameters(*model.network, path);
}

bool is_time_to_save(const Run& run, const TrainingSettings& settings) {
  if (run.finished()) return true;
  if (settings.save_every == 0) return run.at_end_of_epoch();
  return run.steps() % settings.save_every == 0;
}

// The state is saved last: a run killed before does the step again and writes the same once more.
void take_steps(Run& run, const Model& model, Destination& destination, const fs::path& folder,
                Log& log, Progress& progress) {
  const InterruptHandler interrupt;
  bool stop = false;
  while (!run.finished() && !stop) {
    const Index epoch = run.epochs_done() + 1;
    const nn::StepResult step = run.step();
    log.step(epoch, step);
    progress.step(step);
    if (run.at_end_of_epoch()) {
      const EpochResult result = run.end_epoch();
      log.end_epoch(result);
      progress.end_epoch(result);
      if (result.best) save_weights(run, model, folder / best_file);
    }
    stop = interrupt.requested();
    if (!stop && !is_time_to_save(run, model.settings.training)) continue;
    nn::save_state(run, folder / state_file);
    destination.keep();
  }
}

// The settings are the run's own by then: when the state is that of another, it is for the pairs.
void go_on(Run& run, const fs::path& state) {
  try {
    nn::load_state(run, state);
  } catch (const Error&) {
    require(!run.has_other_pairs_than(nn::read_safetensors(state)),
            "--resume: the pairs are others than when the run began; say the same files again");
    throw;
  }
  const Index begun = run.epochs_done() + (run.batch() > 0);
  require(run.epochs() >= begun, "--resume: the run has begun epoch ", begun,
          ", so --epochs has to be at least that, is ", run.epochs());
}

}  // namespace

bool train(Model& model, const Parts& parts, Destination& destination, const fs::path& log_path) {
  Run run(model, parts);
  if (destination.resumes()) {
    go_on(run, destination.partial() / state_file);
    std::cout << "going on after step " << run.steps() << ", " << run.epochs_done()
              << " epochs done" << std::endl;
  }
  Progress progress(run);
  Log log(log_path, run, progress);
  const fs::path folder = destination.begin();
  save_description(model, parts.held_out, folder);
  nn::save_state(run, folder / state_file);  // at once, so that a full disk shows now

  take_steps(run, model, destination, folder, log, progress);
  if (model.settings.training.keep == "best" && fs::exists(folder / best_file))
    write_file(folder / weights_file, read_file(folder / best_file));
  else
    save_weights(run, model, folder / weights_file);
  nn::load_parameters(*model.network, folder / weights_file);
  // What is not complete stays beside what stood there, however it was stopped.
  if (run.finished()) destination.complete();
  return run.finished();
}

}  // namespace adjoint::seq2seq
