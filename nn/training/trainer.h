// One training step: a batch is cut into shards, each computed by a thread on a tape of its own.
#pragma once

#include <span>

#include "nn/models/encoder_decoder.h"
#include "nn/training/alignment.h"
#include "nn/training/loss.h"
#include "nn/training/optimizer.h"

namespace adjoint::nn {

/// How a Trainer runs a step.
struct TrainerOptions {
  /// The number of shards computed in parallel. Results depend on it in the last bits, so it is a
  /// setting of the run, not taken from the number of cores; the number of threads does not matter.
  Index shards = 2;
  /// Gradient accumulation: a batch is computed as this many micro-batches, one after the other,
  /// each with its fraction of the memory. The loss is divided by the tokens of the whole batch, so
  /// the result is that of the undivided batch up to rounding.
  Index micro_batches = 1;
  double clip = 1;       ///< limit on the gradients' global norm; 0 for none
  double smoothing = 0;  ///< label smoothing
  Index padding = 0;     ///< the id that pads short sequences
  /// Scheduled sampling (Bengio et al. 2015): the probability with which the model reads, in place
  /// of a target's token, the one that it finds likeliest there itself. It predicts from the target
  /// in a first pass, without dropout, for all positions at once (Mihaylova and Martins 2019).
  double scheduled_sampling = 0;
  GuidedHead guided = {};  ///< for batches with alignments: the head that learns them
  bool packed = true;      ///< compute real rows only; faster, same results as padded batches
  Key key{};               ///< for dropout
};

/// What a training step reports.
struct StepResult {
  double loss = 0;           ///< mean over the batch's real target tokens, natural logarithm
  Index tokens = 0;          ///< the number of these tokens
  double gradient_norm = 0;  ///< global, before clipping
  // Of guided attention:
  double alignment_loss = 0;  ///< mean over the target tokens that have links; not part of `loss`
  Index aligned = 0;          ///< the number of these tokens
};

/// Trains an encoder-decoder on batches of (source, target). A target begins with the begin symbol
/// and ends with the end symbol: the model reads all of its tokens but the last and predicts all
/// but the first.
class Trainer {
 public:
  /// Model and optimizer must outlive the trainer.
  Trainer(const EncoderDecoder& model, Optimizer& optimizer, const TrainerOptions& options = {});

  /// Forward, backward, clipping, update. The first step also compares the leaves that the loss
  /// depends on with the model's parameters: a field missing from fields() is an error and not a
  /// layer that never learns. Throws NotFinite.
  ///
  /// Alignments, one for each example or none at all, add a loss on the guided head: `weight` times
  /// alignment_loss(), divided by the same number of target tokens as the cross-entropy (Garg et
  /// al. 2019, section 4.2). Error unless the options name such a head.
  StepResult step(std::span<const Ids> sources, std::span<const Ids> targets,
                  std::span<const Links> alignments = {});

  /// The loss of a batch, without dropout, gradients or update.
  StepResult evaluate(std::span<const Ids> sources, std::span<const Ids> targets) const;

  /// What the next step would differentiate, with the same dropout, as a function of the weights of
  /// `other`: a model of the same structure, which may be f64. Changes nothing. For a gradient
  /// check during training.
  Tensor next_loss(const EncoderDecoder& other, std::span<const Ids> sources,
                   std::span<const Ids> targets, std::span<const Links> alignments = {}) const;

  /// The settings, which a resumed run must share (checkpoint.h). What changes belongs to the
  /// model and the optimizer, whose step count also determines the next random numbers.
  void state(State& visit) const;

 private:
  struct Shard {
    std::span<const Ids> sources, targets;
    std::span<const Links> alignments;  // none, or one for each
    Index first_example = 0;
  };
  // Sums over the tokens of a shard.
  struct Losses {
    Tensor cross_entropy;
    LossSum alignment;  // of guided attention, if there are alignments
  };
  Index check(const Shard& batch) const;
  static std::vector<Shard> cut(const Shard& batch, Index count);
  Sequences with_predictions(const Sequences& source, const Sequences& input,
                             const Context& context) const;
  Losses losses(const EncoderDecoder& model, const Shard& shard, const Context& context) const;
  Tensor objective(const Losses& losses) const;
  Key next_key() const {
    return options_.key.child(static_cast<std::uint64_t>(optimizer_.steps()));
  }
  void require_all_listed(const Tensor& loss) const;

  const EncoderDecoder& model_;
  Optimizer& optimizer_;
  TrainerOptions options_;
  Tensors parameters_;
  bool leaves_checked_ = false;
};

}  // namespace adjoint::nn
