// The interface of sequence-to-sequence models.
#pragma once

#include <memory>
#include <span>

#include "nn/batch/context.h"
#include "nn/batch/sequences.h"
#include "nn/module.h"

namespace adjoint::nn {

/// Decoding in progress: what has been computed from the sources and the tokens so far.
class Decoding {
 public:
  virtual ~Decoding() = default;
  /// Feeds the next token of each sequence, i64 [batch], and returns the logits of the token after
  /// it: [batch, tokens].
  virtual Tensor step(const Tensor& ids) = 0;
  /// Continues with these rows of the batch: from the next step on, sequence i continues what was
  /// sequence rows[i]. A row may occur several times (hypotheses with a common prefix) or not at
  /// all (dropped ones). Error when there is no such row.
  virtual void select(std::span<const Index> rows) = 0;

 protected:
  static void require_rows(std::span<const Index> rows, Index batch) {
    for (const Index row : rows)
      require(row >= 0 && row < batch, "decoding: row ", row, " of a batch of ", batch);
  }
};

/// A model that reads a source and predicts a target token by token.
class EncoderDecoder : public Module {
 public:
  /// Logits for each row of the target, […, tokens] with the target's leading axes. Those of row t
  /// predict token t + 1, given the source and the target up to t.
  virtual Tensor logits(const Sequences& source, const Sequences& target,
                        const Context& context) const = 0;
  /// Encodes the sources and prepares for at most `capacity` steps. The model must outlive the
  /// result.
  virtual std::unique_ptr<Decoding> decode(const Sequences& source, Index capacity) const = 0;
  /// The layers of attention_weights() with attention from the target to the source, in the order
  /// in which a pass reaches them. A pointer (layers/pointer.h) is not one of them.
  virtual std::vector<std::string> source_attention_layers() const { return {}; }
  /// Those that tell which source tokens a target token comes from: the
  /// last attention to the source. Empty for a model without attention.
  virtual std::vector<std::string> alignment_layers() const { return {}; }
};

/// The weights of every attention layer behind logits(source, target), by the layer's path. Empty
/// for a model without attention.
inline AttentionWeights attention_weights(const EncoderDecoder& model, const Sequences& source,
                                          const Sequences& target) {
  const NoRecording guard;
  AttentionWeights weights;
  model.logits(source, target, Context::inference().watching(weights));
  return weights;
}

}  // namespace adjoint::nn
