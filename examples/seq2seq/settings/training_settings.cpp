#include "examples/seq2seq/settings/training_settings.h"

#include "autograd/support/error.h"
#include "examples/seq2seq/settings/validators.h"

namespace adjoint::seq2seq {

void TrainingSettings::check() const {
  make_optimizer({});  // it says which of its settings it does not have
}

std::unique_ptr<nn::Optimizer> TrainingSettings::make_optimizer(Tensors parameters) const {
  return nn::make_optimizer(optimizer, std::move(parameters),
                            {.learning_rate = learning_rate,
                             .momentum = momentum,
                             .beta1 = beta1,
                             .beta2 = beta2,
                             .epsilon = epsilon,
                             .weight_decay = weight_decay});
}

data::BatchSize TrainingSettings::batch_size() const {
  if (batch_tokens > 0) return {batch_tokens, data::BatchSize::Unit::tokens};
  return {batch, data::BatchSize::Unit::sentences};
}

nn::TrainerOptions TrainingSettings::trainer_options(Index padding) const {
  return {.shards = shards,
          .micro_batches = accumulate,
          .clip = clip,
          .smoothing = smoothing,
          .padding = padding,
          .key = Key(seed).child("dropout")};
}

nn::ScheduleOptions TrainingSettings::schedule_options(Index steps_in_epoch) const {
  const bool falls = schedule == "linear" || schedule == "cosine";
  return {.name = schedule,
          .warm_up = warm_up,
          .total = falls ? epochs * steps_in_epoch : 0,
          .floor = rate_floor,
          .decay = plateau_decay,
          .patience = plateau_patience};
}

nn::PatienceOptions TrainingSettings::patience_options() const {
  return {.patience = std::max<Index>(patience, 1),  // without one the best is watched all the same
          .goal = best_by == "bleu" ? nn::Goal::highest : nn::Goal::lowest};
}

namespace {

void add_batches(CLI::App& app, TrainingSettings& s) {
  const std::string group = "Training";
  app.add_option("--epochs", s.epochs, "times through all training pairs")
      ->check(counting())
      ->group(group);
  app.add_option("--batch", s.batch, "pairs in a batch")->check(counting())->group(group);
  app.add_option("--batch-tokens", s.batch_tokens,
                 "instead, tokens in a batch, of pairs of about the same length; 0: --batch")
      ->check(whole_number())
      ->group(group);
  app.add_option("--accumulate", s.accumulate,
                 "portions a batch is computed in, one after the other, to save memory")
      ->check(CLI::Range(1, 1024))
      ->group(group);
  app.add_option("--shards", s.shards, "parts a batch is cut into, each computed by one thread")
      ->check(CLI::Range(1, 1024))
      ->group(group);
  add_number(app, "--clip", s.clip, "limit of the gradient's norm; 0 for none")
      ->check(not_negative())
      ->group(group);
  add_number(app, "--smoothing", s.smoothing, "of the labels")->check(fraction())->group(group);
  app.add_option("--save-every", s.save_every,
                 "steps after which the state of the run is saved; 0: after each epoch")
      ->check(whole_number())
      ->group(group);
  app.add_option("--seed", s.seed, "of everything that is random")->check(seed())->group(group);
}

void add_optimizer(CLI::App& app, TrainingSettings& s) {
  const std::string group = "Optimizer";
  app.add_option("--optimizer", s.optimizer, "how gradients become steps")
      ->check(CLI::IsMember(nn::optimizer_names()))
      ->group(group);
  add_number(
      app, "--learning-rate", s.learning_rate,
      "by default 0.001 of adam and adamw, 0.0001 of lion, 0.01 of adafactor, 0.1 of the rest")
      ->check(positive())
      ->group(group);
  add_number(app, "--momentum", s.momentum, "of momentum and nesterov, by default 0.9")
      ->check(fraction())
      ->group(group);
  add_number(app, "--beta1", s.beta1, "of adam, adamw and lion, by default 0.9")
      ->check(fraction())
      ->group(group);
  add_number(app, "--beta2", s.beta2, "by default 0.999 of adam and adamw, 0.99 of lion")
      ->check(fraction())
      ->group(group);
  add_number(app, "--epsilon", s.epsilon, "of adam and adamw, by default 1e-8")
      ->check(not_negative())
      ->group(group);
  add_number(app, "--weight-decay", s.weight_decay, "by default 0.01 of adamw, 0 of lion")
      ->check(not_negative())
      ->group(group);
  add_number(app, "--ema", s.average,
             "validate and keep a moving average of the weights with this decay; 0 for none")
      ->check(fraction())
      ->group(group);
}

void add_schedule(CLI::App& app, TrainingSettings& s) {
  const std::string group = "Schedule", plateau = plateau_group;
  app.add_option("--schedule", s.schedule, "how the learning rate changes after the warm-up")
      ->check(CLI::IsMember(nn::schedule_names()))
      ->group(group);
  app.add_option("--warm-up", s.warm_up, "steps over which the rate rises at first")
      ->check(whole_number())
      ->group(group);
  add_number(app, "--rate-floor", s.rate_floor,
             "share of the rate that linear, cosine and plateau leave")
      ->check(fraction())
      ->group(group);
  app.add_option("--plateau-patience", s.plateau_patience,
                 "epochs without a lower validation loss after which the rate falls")
      ->check(counting())
      ->group(plateau);
  add_number(app, "--plateau-decay", s.plateau_decay, "to what share of itself it falls")
      ->check(fraction())
      ->group(plateau);
}

void add_validation(CLI::App& app, TrainingSettings& s) {
  const std::string group = validation_group;
  app.add_flag("--validation-bleu", s.validation_bleu,
               "translate the validation pairs after each epoch")
      ->default_function([&s] { return s.validation_bleu ? "true" : "false"; })
      ->group(group);
  app.add_option("--best-by", s.best_by, "which figure of the validation says what is best")
      ->check(CLI::IsMember({"loss", "bleu"}))
      ->group(group);
  app.add_option("--patience", s.patience,
                 "stop after so many epochs in a row without a new best; 0: never")
      ->check(whole_number())
      ->group(group);
  app.add_option("--keep", s.keep, "which weights become the model's; the best are kept beside")
      ->check(CLI::IsMember({"last", "best"}))
      ->group(group);
}

}  // namespace

void add_options(CLI::App& app, TrainingSettings& settings) {
  add_batches(app, settings);
  add_optimizer(app, settings);
  add_schedule(app, settings);
  add_validation(app, settings);
}

}  // namespace adjoint::seq2seq
