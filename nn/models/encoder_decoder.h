// What a sequence-to-sequence model is, whatever it is made of.
#pragma once

#include <memory>
#include <span>

#include "nn/batch/context.h"
#include "nn/batch/sequences.h"
#include "nn/module.h"

namespace adjoint::nn {

/// Decoding under way: what has been computed of the source and of the tokens so far.
class Decoding {
 public:
  virtual ~Decoding() = default;
  /// Feeds the next token of each sequence, i64 [batch], and returns the logits of the one after
  /// it: [batch, tokens].
  virtual Tensor step(const Tensor& ids) = 0;
  /// Goes on with these rows of the batch, which is `rows` long from now on: sequence i of the next
  /// step continues what was sequence rows[i] of the last. A row may stand there several times
  /// (hypotheses with the same beginning) or not at all (given up). Error when there is no such
  /// row.
  virtual void select(std::span<const Index> rows) = 0;
};

/// A model that reads a source and predicts a target token by token.
class EncoderDecoder : public Module {
 public:
  /// Logits for each row of the target: those of row t predict token t + 1, having seen the source
  /// and the target up to t. […, tokens], the leading axes being the target's.
  virtual Tensor logits(const Sequences& source, const Sequences& target,
                        const Context& context) const = 0;
  /// Encodes the source and gets ready for at most `capacity` steps. The model has to outlive it.
  virtual std::unique_ptr<Decoding> decode(const Sequences& source, Index capacity) const = 0;
};

/// The weights of every attention layer, by its path, when the model reads these: what logits()
/// goes by. Nothing for a model that does not attend.
AttentionWeights attention_weights(const EncoderDecoder& model, const Sequences& source,
                                   const Sequences& target);

}  // namespace adjoint::nn
