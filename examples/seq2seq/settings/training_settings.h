// How a run trains it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "data/pairs/batching.h"
#include "nn/training/optimizer.h"
#include "nn/training/patience.h"
#include "nn/training/schedule.h"
#include "nn/training/trainer.h"

namespace CLI {
class App;
}

namespace adjoint::seq2seq {

struct TrainingSettings {
  Index epochs = 30, batch = 128, batch_tokens = 0, accumulate = 1, shards = 2;
  double clip = 1, smoothing = 0;
  std::uint64_t seed = 1;

  std::string optimizer = "adam";
  std::optional<double> learning_rate, momentum, beta1, beta2, epsilon, weight_decay;
  double average = 0;  ///< the decay of a moving average of the weights; 0: none

  std::string schedule = "constant";
  Index warm_up = 0, plateau_patience = 3;
  double rate_floor = 0, plateau_decay = 0.5;

  bool validation_bleu = false;
  std::string best_by = "loss", keep = "last";
  Index patience = 0;    ///< epochs without a new best that end the run; 0: all epochs
  Index save_every = 0;  ///< steps; 0: once an epoch

  void check() const;
  /// Whether each epoch ends with translating the validation pairs.
  bool wants_bleu() const { return validation_bleu || best_by == "bleu"; }

  std::unique_ptr<nn::Optimizer> make_optimizer(Tensors parameters) const;
  data::BatchSize batch_size() const;
  nn::TrainerOptions trainer_options(Index padding) const;
  /// The steps in an epoch say when a schedule that falls to its floor is there.
  nn::ScheduleOptions schedule_options(Index steps_in_epoch) const;
  nn::PatienceOptions patience_options() const;
};

/// The options that need --schedule plateau, and those that need validation pairs.
constexpr auto plateau_group = "Schedule: plateau", validation_group = "Validation";

void add_options(CLI::App& app, TrainingSettings& settings);

}  // namespace adjoint::seq2seq
