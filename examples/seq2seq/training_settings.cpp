#include "examples/seq2seq/training_settings.h"

#include "examples/seq2seq/validators.h"

namespace adjoint::seq2seq {

void add_options(CLI::App& app, TrainingSettings& s) {
  const std::string training = "Training";
  app.add_option("--epochs", s.epochs, "times through all training pairs")
      ->check(counting())
      ->group(training);
  app.add_option("--batch", s.batch, "pairs in a batch")->check(counting())->group(training);
  app.add_option("--shards", s.shards, "parts a batch is cut into, each computed by one thread")
      ->check(CLI::Range(1, 1024))
      ->group(training);
  app.add_option("--learning-rate", s.learning_rate, "of Adam")->check(positive())->group(training);
  app.add_option("--schedule", s.schedule, "keep the rate, or let it fall to 0 over the run")
      ->check(CLI::IsMember({"constant", "linear"}))
      ->group(training);
  app.add_option("--warm-up", s.warm_up, "steps over which the rate rises at first")
      ->check(CLI::NonNegativeNumber)
      ->group(training);
  app.add_option("--clip", s.clip, "limit of the gradient's norm; 0 for none")
      ->check(not_negative())
      ->group(training);
  app.add_option("--smoothing", s.smoothing, "of the labels")->check(fraction())->group(training);
  app.add_option("--seed", s.seed, "of everything that is random")->group(training);
}

}  // namespace adjoint::seq2seq
