// A run of training: what changes in its course, and how.
#pragma once

#include <memory>
#include <optional>

#include "data/pairs/batching.h"
#include "examples/seq2seq/run/parts.h"
#include "nn/saving/checkpoint.h"
#include "nn/training/averaging.h"

namespace adjoint::seq2seq {

/// What is known at the end of an epoch.
struct EpochResult {
  double loss = 0;                                        ///< mean of the training tokens
  std::optional<double> validation_loss = {}, bleu = {};  ///< of the validation pairs, if any
  bool best = false;  ///< whether the validation is the best so far
};

/// Steps and epochs, and nothing of files: who calls it saves what it remembers, which is listed in
/// state(), and goes on from there to the same weights, bit by bit.
///
///   while (!run.finished()) {
///     run.step();
///     if (run.at_end_of_epoch()) run.end_epoch();
///   }
class Run {
 public:
  /// Model and parts have to outlive it.
  Run(Model& model, const Parts& parts);

  nn::StepResult step();
  /// All epochs are done, or patience has ended.
  bool finished() const;
  bool at_end_of_epoch() const { return batches_.batch() == 0; }
  /// Validates, and tells the schedule. Once, after the last step of an epoch.
  EpochResult end_epoch();

  Index steps() const { return optimizer_->steps(); }
  Index epochs() const { return settings_.epochs; }
  /// Epochs done, and the place in the one under way.
  Index epochs_done() const { return batches_.epoch(); }
  Index batch() const { return batches_.batch(); }
  Index batches_in_epoch() const { return batches_.batches_in_epoch(); }
  double learning_rate() const { return optimizer_->learning_rate(); }

  /// While it lives, the model has the weights that are validated and kept: the average, if there
  /// is one.
  std::unique_ptr<nn::WithAverage> with_average();

  void state(nn::State& visit);
  /// Whether a saved state tells of a run that learns from other pairs.
  bool has_other_pairs_than(const nn::SafeTensors& state);

 private:
  double validation_loss() const;
  double validation_bleu() const;

  Model& model_;
  const Parts& parts_;
  const TrainingSettings& settings_;
  data::EncodedPairs pairs_, validation_;
  data::Batches batches_;
  std::unique_ptr<nn::Optimizer> optimizer_;
  nn::Schedule schedule_;
  nn::Trainer trainer_;
  nn::Patience best_;
  std::optional<nn::MovingAverage> average_;
  double epoch_loss_ = 0;  // sum over the epoch's tokens so far
  Index epoch_tokens_ = 0;
};

}  // namespace adjoint::seq2seq
