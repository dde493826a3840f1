// Training pairs cut into other subwords in each epoch (--subword-dropout).
#pragma once

#include "data/pairs/subword_sampling.h"
#include "examples/seq2seq/run/dataset.h"

namespace adjoint::seq2seq {

/// Draws the subwords of training pairs anew. They are a function of the run's seed, the epoch and
/// the pair, so a run can stop and resume anywhere, with any number of threads.
class OtherCuts {
 public:
  /// Keeps references to both.
  OtherCuts(const Model& model, const Dataset& dataset);

  /// These training pairs as they are cut in this epoch. A sentence that alone would be longer than
  /// the limits of the run keeps its usual cut. A batch may exceed --batch-tokens: its pairs were
  /// chosen by the lengths of their usual cuts.
  data::EncodedPairs operator()(std::span<const std::size_t> pairs, Index epoch) const;

 private:
  data::Tokens cut(const std::optional<data::SubwordSampler>& sampler, const data::Tokens& usual,
                   Key key) const;

  const Model& model_;
  const Dataset& dataset_;
  std::optional<data::SubwordSampler> source_, target_;  // of the sides that are cut into subwords
};

}  // namespace adjoint::seq2seq
