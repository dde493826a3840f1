// One training step: a batch cut into shards, each on a thread and a tape of its own.
#pragma once

#include <span>

#include "nn/models/encoder_decoder.h"
#include "nn/training/loss.h"
#include "nn/training/optimizer.h"

namespace adjoint::nn {

struct TrainerOptions {
  /// Into how many parts a batch is cut. The results depend on it in the last bits, so it belongs
  /// to a run's settings and is not taken from the number of cores; the threads may be any number.
  Index shards = 2;
  /// In how many parts, one after the other, the gradient of a batch is computed (gradient
  /// accumulation): each takes that part of the memory. The loss is divided by the tokens of the
  /// whole batch, so the result is that of the batch in one part, to rounding.
  Index parts = 1;
  double clip = 1;       ///< limit of the gradients' global norm; 0 for none
  double smoothing = 0;  ///< label smoothing
  Index padding = 0;     ///< the id that fills up short sequences
  bool packed = true;    ///< compute real rows only; the same results as padded, sooner
  Key key{};             ///< of dropout
};

struct StepResult {
  double loss = 0;           ///< mean over the batch's real target tokens, natural logarithm
  Index tokens = 0;          ///< how many those are
  double gradient_norm = 0;  ///< global, before clipping
};

/// Trains an encoder-decoder on batches of (source, target). A target begins with the symbol that
/// starts decoding and ends with the one that ends it: the model reads all but the last of its
/// tokens and predicts all but the first.
class Trainer {
 public:
  /// Model and optimizer have to outlive the trainer.
  Trainer(const EncoderDecoder& model, Optimizer& optimizer, const TrainerOptions& options = {});

  /// Forward, backward, clipping, update. The first step also compares the leaves that the loss
  /// depends on with the model's parameters: a field left out of fields() is an error, not a layer
  /// that never learns. Throws NotFinite.
  StepResult step(std::span<const Ids> sources, std::span<const Ids> targets);

  /// The same without dropout, gradient or update.
  StepResult evaluate(std::span<const Ids> sources, std::span<const Ids> targets) const;

  /// The settings, which a run that goes on must have too (training_state.h). What changes is the
  /// model's, and the optimizer's, whose count of steps also says which random numbers come next.
  void state(State& visit) const;

 private:
  struct Shard {
    Index first = 0, count = 0;  // examples
  };
  std::vector<Shard> cut(std::span<const Ids> sources, std::span<const Ids> targets,
                         Index parts) const;
  LossSum loss(const Shard& shard, std::span<const Ids> sources, std::span<const Ids> targets,
               const Context& context) const;
  void require_all_listed(const Tensor& loss) const;

  const EncoderDecoder& model_;
  Optimizer& optimizer_;
  TrainerOptions options_;
  Tensors parameters_;
  bool leaves_checked_ = false;
};

}  // namespace adjoint::nn
