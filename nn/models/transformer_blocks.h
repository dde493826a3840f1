// The blocks of the Transformer (Vaswani et al. 2017, section 3.1).
#pragma once

#include "nn/models/transformer_config.h"

namespace adjoint::nn {

/// The encoding that the configuration has in this place, if any.
inline std::optional<PositionalEncoding> positions_at(PositionPlace place,
                                                      const TransformerConfig& c, Index width,
                                                      Key key, Reach reach, double drop = 0) {
  if (c.position_place != place) return std::nullopt;
  return PositionalEncoding(c.positions, c.max_length, width, drop, key, c.position_options(),
                            reach);
}

/// Self-attention and feed-forward, each inside a residual connection.
struct EncoderBlock : Module {
  std::optional<PositionalEncoding> positions;
  MultiHeadAttention attention;
  AddNorm norm1;
  FeedForward feed_forward;
  AddNorm norm2;

  EncoderBlock(const TransformerConfig& config, Key key);
  void fields(Fields& visit) override {
    visit("positions", positions)("attention", attention)("norm1", norm1)(
        "feed_forward", feed_forward)("norm2", norm2);
  }

  /// x […, width] in this layout to the same shape.
  Tensor operator()(const Tensor& x, const Mask& mask, const Layout& layout,
                    const Context& context) const;
};

/// The cache of one decoder block. Written outside of recording.
struct BlockCache {
  Tensor keys, values;  // [batch, capacity, decoder's width], filled up to the current step
  Tensor memory_keys, memory_values;  // […, decoder's width], of the encoder's result
  Tensor recent = {};                 // the last inputs of a convolutional encoding

  /// Stores the keys and values of this step, [batch, 1, width].
  void write(const Tensor& step_keys, const Tensor& step_values, Index step);
  /// Continues with these rows of the batch, each filled up to `steps`.
  void select(std::span<const Index> rows, Index steps);
};

/// Self-attention, attention to the memory, and feed-forward, each inside a residual connection.
struct DecoderBlock : Module {
  std::optional<PositionalEncoding> positions;
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

  /// x […, decoder's width] in this layout to the same shape; memory […, encoder's width].
  Tensor operator()(const Tensor& x, const Tensor& memory, const Mask& self_mask,
                    const Mask& memory_mask, const Layout& layout, const Context& context) const;
  /// One step of each sequence, x [batch, 1, width]; same result as over the whole prefix.
  Tensor step(const Tensor& x, BlockCache& cache, const Mask& self_mask, const Mask& memory_mask,
              const Layout& layout) const;

 private:
  // The three sublayers, given the two attentions as functions of the rows.
  template <class Self, class Cross>
  Tensor run(const Tensor& x, const Layout& layout, const Context& context, const Self& self,
             const Cross& cross) const;
};

}  // namespace adjoint::nn
