// The Transformer (Vaswani et al. 2017): encoder, decoder, and both together.
#pragma once

#include "nn/batch/copyable.h"
#include "nn/layers/embedding.h"
#include "nn/layers/pointer.h"
#include "nn/models/encoder_decoder.h"
#include "nn/models/transformer_blocks.h"

namespace adjoint::nn {

/// Embedding, positions and blocks: what encoder and decoder have in common.
template <class Block>
struct TransformerStack : Module {
  Embedding embedding;
  PositionalEncoding positions;  // only dropout if the encoding has another place
  std::vector<Block> blocks;
  bool recomputed;  // see TransformerConfig
  std::optional<PositionalEncoding> final_positions;
  std::optional<Norm> final_norm;  // for pre-norm, where no block normalises its result

  TransformerStack(const TransformerConfig& config, Index tokens, Index width, Index block_count,
                   Reach reach, Key key);
  Tensor normalised(const Tensor& x) const { return final_norm ? (*final_norm)(x) : x; }
  void fields(Fields& visit) override {
    visit("embedding", embedding)("positions", positions)("blocks", blocks)(
        "final_positions", final_positions)("final_norm", final_norm);
  }

 protected:
  // Ids to […, width] before the final norm. `run_block` is called with a block, its inputs (the
  // rows and `others`), and its context; it may be called a second time by the sweep.
  template <class F>
  Tensor run(const Sequences& ids, const Tensors& others, const Context& context,
             const F& run_block) const;
};

/// The embedding of the source and the blocks that turn it into the memory.
struct TransformerEncoder : TransformerStack<EncoderBlock> {
  TransformerEncoder(const TransformerConfig& config, Key key);

  /// The memory that a decoder attends to: […, width].
  Tensor operator()(const Sequences& source, const Context& context) const;
};

/// The embedding of the target, blocks that attend to the memory, and the layer that predicts.
struct TransformerDecoder : TransformerStack<DecoderBlock> {
  Linear output;  // width to tokens

  TransformerDecoder(const TransformerConfig& config, Key key);
  void fields(Fields& visit) override {
    TransformerStack::fields(visit);
    visit("output", output);
  }

  /// What the output predicts from: […, width]. Each row has seen the target up to itself.
  Tensor operator()(const Sequences& target, const Tensor& memory, const Layout& source,
                    const Context& context) const;
  /// Logits of rows after the last block and its positions: […, width] to […, tokens].
  Tensor predict(const Tensor& x) const { return output(normalised(x)); }
};

/// The encoder and the decoder together: a model that maps a source to a target. With
/// ids_beyond > 0 it copies, and the ids of its sources are those of copyable().
struct Transformer : EncoderDecoder {
  TransformerConfig config;
  TransformerEncoder encoder;
  TransformerDecoder decoder;
  std::optional<Pointer> pointer;

  /// Error when the configuration does not pass its check().
  Transformer(const TransformerConfig& config, Key key);
  void fields(Fields& visit) override {
    visit("encoder", encoder)("decoder", decoder)("pointer", pointer);
  }

  Tensor logits(const Sequences& source, const Sequences& target,
                const Context& context) const override;
  std::unique_ptr<Decoding> decode(const Sequences& source, Index capacity) const override;
  std::vector<std::string> source_attention_layers() const override {
    return config.source_attention_layers();
  }
  /// The attention to the source in the last block of the decoder.
  std::vector<std::string> alignment_layers() const override;
};

/// Switches heads off, even after training (see MultiHeadAttention::prune). Error when there is no
/// such layer or head.
void prune_heads(Transformer& model, const std::vector<AttentionHead>& heads);

}  // namespace adjoint::nn
