// How a model is trained.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "data/pairs/batching.h"
#include "examples/seq2seq/settings/options.h"
#include "nn/training/optimizer.h"
#include "nn/training/schedule.h"
#include "nn/training/trainer.h"

namespace adjoint::seq2seq {

struct TrainingSettings {
  Index epochs = 30, batch = 128, batch_tokens = 0, accumulate = 1, shards = 2;
  double clip = 1, smoothing = 0;
  std::uint64_t seed = 1;

  std::string optimizer = "adam";
  std::optional<double> learning_rate, momentum, beta1, beta2, epsilon, weight_decay;
  double average = 0;  ///< decay of a moving average of the weights; 0: no average

  std::string schedule = "constant";
  Index warm_up = 0, plateau_patience = 3;
  double rate_floor = 0, plateau_decay = 0.5;

  bool validation_bleu = false;
  std::string best_by = "loss", keep = "last";
  Index patience = 0;    ///< epochs without a new best that end the run; 0: run all epochs
  Index save_every = 0;  ///< steps between saved states; 0: save after each epoch

  void add_to(Options& options);
  /// Error, naming the option, when values contradict each other. Some options need validation
  /// pairs.
  void check(const Options& options, bool has_validation) const;

  /// Whether the validation pairs are translated after each epoch.
  bool translates_validation() const { return validation_bleu || best_by == "bleu"; }

  std::unique_ptr<nn::Optimizer> make_optimizer(Tensors parameters) const;
  data::BatchSize batch_size() const;
  nn::TrainerOptions trainer_options(Index padding) const;
  /// A linear or cosine schedule reaches its floor after all epochs, so it needs their length.
  nn::ScheduleOptions schedule_options(Index steps_in_epoch) const;
  nn::PatienceOptions patience_options() const;
};

}  // namespace adjoint::seq2seq
