// The Transformer (Vaswani et al. 2017): encoder, decoder, and both together.
#pragma once

#include "nn/layers/attention.h"
#include "nn/layers/embedding.h"
#include "nn/layers/feed_forward.h"
#include "nn/layers/normalization.h"
#include "nn/layers/positional_encoding.h"
#include "nn/models/encoder_decoder.h"

namespace adjoint::nn {

/// Which of the three tables [tokens, width] are one and the same: the embeddings of source and of
/// target, and the weight of the projection to tokens (Press and Wolf 2017; Vaswani et al. 2017,
/// section 3.4).
enum class TiedEmbeddings {
  none,
  decoder,  ///< the target's embedding and the projection
  all,      ///< all three: source and target have one vocabulary
};

/// A head that is switched off: of the attention layer with this path,
/// "encoder.blocks.0.attention".
struct PrunedHead {
  std::string layer;
  Index head;
};

struct TransformerConfig {
  Index source_tokens = 0, target_tokens = 0;  ///< sizes of the vocabularies
  Index width = 256;
  Index decoder_width = 0;  ///< of the decoder's embedding and blocks; 0: as the encoder's
  Index hidden = 64;        ///< of the feed-forward networks
  Index heads = 4;          ///< of each attention layer; divides both widths
  Index encoder_blocks = 2, decoder_blocks = 2;
  double dropout = 0.2;
  Index max_length = 256;  ///< how many positions a sequence may have
  Positions positions = Positions::sinusoidal;
  PositionOptions position_options = {};
  NormPlacement norm = NormPlacement::post;
  Normalization normalization = Normalization::layer;
  Activation activation = Activation::relu;
  Bias attention_bias = Bias::no;
  Score score = Score::dot_product;
  HeadLayout head_layout = HeadLayout::side_by_side;
  std::vector<PrunedHead> pruned_heads = {};
  Scaled scaled_embedding = Scaled::yes;
  TiedEmbeddings tied_embeddings = TiedEmbeddings::none;
  /// The tape keeps each block's inputs only, and the sweep computes the block once more: less
  /// memory, more time, the same results.
  bool recomputed = false;

  Index width_of_decoder() const { return decoder_width > 0 ? decoder_width : width; }
};

/// Self-attention and feed-forward, each inside of a residual connection.
struct EncoderBlock : Module {
  std::optional<PositionalEncoding> positions;  // if they are placed in each block
  MultiHeadAttention attention;
  AddNorm norm1;
  FeedForward feed_forward;
  AddNorm norm2;

  EncoderBlock(const TransformerConfig& config, Key key);
  void fields(Fields& visit) override {
    visit("positions", positions)("attention", attention)("norm1", norm1)(
        "feed_forward", feed_forward)("norm2", norm2);
  }

  /// x […, width] in this layout, masked by the mask: the same shape.
  Tensor operator()(const Tensor& x, const Mask& mask, const Layout& layout,
                    const Context& context) const;
};

/// Embedding, positions, blocks: ids to the memory that a decoder attends to.
struct TransformerEncoder : Module {
  Embedding embedding;
  PositionalEncoding positions;  // none if they have another place
  std::vector<EncoderBlock> blocks;
  bool recomputed;                                    // see the configuration
  std::optional<PositionalEncoding> final_positions;  // if they are placed after the stack
  std::optional<Norm> final_norm;  // of pre-norm stacks, whose sum is not normalised otherwise

  TransformerEncoder(const TransformerConfig& config, Key key);
  void fields(Fields& visit) override {
    visit("embedding", embedding)("positions", positions)("blocks", blocks)(
        "final_positions", final_positions)("final_norm", final_norm);
  }

  /// […, width]
  Tensor operator()(const Sequences& source, const Context& context) const;
};

/// What one decoder block keeps between steps.
struct BlockCache {
  Tensor keys, values;  // [batch, capacity, decoder's width], filled up to the current step
  Tensor memory_keys, memory_values;  // […, width], of the encoder's result
  Tensor recent = {};                 // of the block's positions
};

/// Self-attention, attention to the memory, feed-forward.
struct DecoderBlock : Module {
  std::optional<PositionalEncoding> positions;  // if they are placed in each block
  MultiHeadAttention attention;
  AddNorm norm1;
  MultiHeadAttention cross_attention;
  AddNorm norm2;
  FeedForward feed_forward;
  AddNorm norm3;

  DecoderBlock(const TransformerConfig& config, Key key);
  void fields(Fields& visit) override {
    visit("positions", positions)("attention", attention)("norm1", norm1)(
        "cross_attention", cross_attention)("norm2", norm2)("feed_forward", feed_forward)("norm3",
                                                                                          norm3);
  }

  Tensor operator()(const Tensor& x, const Tensor& memory, const Mask& self_mask,
                    const Mask& memory_mask, const Layout& layout, const Context& context) const;
  /// One step for each sequence, x [batch, 1, width]: the same result as the whole prefix gives.
  Tensor step(const Tensor& x, BlockCache& cache, const Mask& self_mask, const Mask& memory_mask,
              const Layout& layout) const;

 private:
  // The three sublayers, however the two attentions get at their keys.
  template <class Self, class Cross>
  Tensor run(const Tensor& x, const Layout& layout, const Context& context, const Self& self,
             const Cross& cross) const;
};

struct TransformerDecoder : Module {
  Embedding embedding;
  PositionalEncoding positions;  // none if they have another place
  std::vector<DecoderBlock> blocks;
  bool recomputed;                                    // see the configuration
  std::optional<PositionalEncoding> final_positions;  // if they are placed after the stack
  std::optional<Norm> final_norm;
  Linear output;  // width to tokens

  TransformerDecoder(const TransformerConfig& config, Key key);
  void fields(Fields& visit) override {
    visit("embedding", embedding)("positions", positions)("blocks", blocks)(
        "final_positions", final_positions)("final_norm", final_norm)("output", output);
  }

  /// Logits […, tokens] of the target's rows, each having seen the target up to itself.
  Tensor operator()(const Sequences& target, const Tensor& memory, const Layout& source,
                    const Context& context) const;
  /// Logits of the rows after the last block and its positions: [.., width] to […, tokens].
  Tensor predict(const Tensor& x) const;
};

struct Transformer : EncoderDecoder {
  TransformerConfig config;
  TransformerEncoder encoder;
  TransformerDecoder decoder;

  Transformer(const TransformerConfig& config, Key key);
  void fields(Fields& visit) override { visit("encoder", encoder)("decoder", decoder); }

  Tensor logits(const Sequences& source, const Sequences& target,
                const Context& context) const override;
  std::unique_ptr<Decoding> decode(const Sequences& source, Index capacity) const override;
};

/// Switches heads off (see MultiHeadAttention::prune). Error that lists the layers when there is no
/// such one.
void prune_heads(Transformer& model, const std::vector<PrunedHead>& heads);

}  // namespace adjoint::nn
