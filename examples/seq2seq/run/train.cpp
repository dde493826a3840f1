#include "examples/seq2seq/run/train.h"

#include <atomic>
#include <csignal>
#include <iostream>

#include "autograd/support/files.h"
#include "examples/seq2seq/run/report.h"
#include "nn/saving/checkpoint.h"

namespace adjoint::seq2seq {
namespace {

namespace fs = std::filesystem;

std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free);  // required in a signal handler

/// During its lifetime the first Ctrl-C sets `interrupted`; a second one kills the program.
class InterruptHandler {
 public:
  InterruptHandler() {
    interrupted = false;
    former_ = std::signal(SIGINT, [](int signal) {
      interrupted = true;
      std::signal(signal, SIG_DFL);
    });
  }
  ~InterruptHandler() { std::signal(SIGINT, former_); }
  InterruptHandler(const InterruptHandler&) = delete;
  InterruptHandler& operator=(const InterruptHandler&) = delete;

 private:
  void (*former_)(int);
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

// The state is saved last: a run killed before that repeats the step and writes the same again.
void take_steps(Run& run, const Model& model, Destination& destination, const fs::path& folder,
                Report& report) {
  const InterruptHandler handler;
  bool stop = false;
  while (!run.finished() && !stop) {
    const Index epoch = run.epochs_done() + 1;
    const nn::StepResult step = run.step();
    report.step(epoch, step);
    if (run.at_end_of_epoch()) {
      const EpochResult result = run.end_epoch();
      report.end_epoch(result);
      if (result.best) save_weights(run, model, folder / best_file);
    }
    stop = interrupted;
    if (!stop && !is_time_to_save(run, model.settings.training)) continue;
    nn::save_state(run, folder / state_file);
    destination.keep();
  }
}

// The settings are known to match the run's, so if the state does not fit, the pairs have changed.
void resume(Run& run, const fs::path& state) {
  try {
    nn::load_state(run, state);
  } catch (const Error&) {
    require(!run.has_other_pairs_than(nn::read_safetensors(state)),
            "--resume: the training pairs have changed since the run began; give the same files");
    throw;
  }
  const Index begun = run.epochs_done() + (run.batch() > 0);
  require(run.epochs() >= begun, "--resume: the run is in epoch ", begun,
          ", so --epochs must be at least ", begun, ", not ", run.epochs());
}

}  // namespace

bool train(Model& model, const Dataset& dataset, Destination& destination, const fs::path& log) {
  Run run(model, dataset);
  if (destination.resumes()) {
    resume(run, destination.partial() / state_file);
    std::cout << "resuming after step " << run.steps() << " (" << run.epochs_done()
              << " epochs done)" << std::endl;
  }
  Report report(run, log);
  const fs::path folder = destination.begin();
  save_description(model, dataset.held_out, folder);
  nn::save_state(run, folder / state_file);  // reports a full disk before any work is done

  take_steps(run, model, destination, folder, report);
  if (model.settings.training.keep == "best" && fs::exists(folder / best_file))
    write_file(folder / weights_file, read_file(folder / best_file));
  else
    save_weights(run, model, folder / weights_file);
  nn::load_parameters(*model.network, folder / weights_file);
  if (run.finished()) destination.complete();
  return run.finished();
}

}  // namespace adjoint::seq2seq
