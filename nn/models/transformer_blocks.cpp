#include "nn/models/transformer_blocks.h"

namespace adjoint::nn {
namespace {

HeadOptions self_attention(const TransformerConfig& c) {
  return {.bias = c.attention_bias,
          .positions = c.positions,
          .max_distance = c.max_distance,
          .relative_values = c.relative_values,
          .score = c.score};
}

// Without positions: a distance between a target token and a source token means nothing.
HeadOptions attention_to_memory(const TransformerConfig& c) {
  return {.bias = c.attention_bias, .score = c.score, .memory_width = c.width};
}

AddNorm add_norm_of(const TransformerConfig& c, Index width) {
  return {width, c.norm, c.dropout, c.normalization};
}

}  // namespace

EncoderBlock::EncoderBlock(const TransformerConfig& c, Key key)
    : positions(positions_at(PositionPlace::each_block, c, c.width, key.child("positions"),
                             Reach::both_sides)),
      attention(c.width, c.heads, c.dropout, key.child("attention"), self_attention(c)),
      norm1(add_norm_of(c, c.width)),
      feed_forward(c.width, c.hidden, c.activation, key.child("feed_forward")),
      norm2(add_norm_of(c, c.width)) {}

Tensor EncoderBlock::operator()(const Tensor& x, const Mask& mask, const Layout& layout,
                                const Context& context) const {
  const Tensor placed = positions ? (*positions)(x, layout, context.child("positions")) : x;
  const Tensor attended = norm1(placed, layout, context.child("norm1"), [&](const Tensor& h) {
    return attention(h, h, h, mask, context.child("attention"));
  });
  return norm2(attended, layout, context.child("norm2"),
               [&](const Tensor& h) { return feed_forward(h, context.child("feed_forward")); });
}

DecoderBlock::DecoderBlock(const TransformerConfig& c, Key key)
    : positions(positions_at(PositionPlace::each_block, c, c.width_of_decoder(),
                             key.child("positions"), Reach::back)),
      attention(c.width_of_decoder(), c.heads, c.dropout, key.child("attention"),
                self_attention(c)),
      norm1(add_norm_of(c, c.width_of_decoder())),
      cross_attention(c.width_of_decoder(), c.heads, c.dropout, key.child("cross_attention"),
                      attention_to_memory(c)),
      norm2(add_norm_of(c, c.width_of_decoder())),
      feed_forward(c.width_of_decoder(), c.hidden, c.activation, key.child("feed_forward")),
      norm3(add_norm_of(c, c.width_of_decoder())) {}

template <class Self, class Cross>
Tensor DecoderBlock::run(const Tensor& x, const Layout& layout, const Context& context,
                         const Self& self, const Cross& cross) const {
  const Tensor a = norm1(x, layout, context.child("norm1"), self);
  const Tensor b = norm2(a, layout, context.child("norm2"), cross);
  return norm3(b, layout, context.child("norm3"),
               [&](const Tensor& h) { return feed_forward(h, context.child("feed_forward")); });
}

Tensor DecoderBlock::operator()(const Tensor& x, const Tensor& memory, const Mask& self_mask,
                                const Mask& memory_mask, const Layout& layout,
                                const Context& context) const {
  return run(
      positions ? (*positions)(x, layout, context.child("positions")) : x, layout, context,
      [&](const Tensor& h) { return attention(h, h, h, self_mask, context.child("attention")); },
      [&](const Tensor& h) {
        return cross_attention(h, memory, memory, memory_mask, context.child("cross_attention"));
      });
}

Tensor DecoderBlock::step(const Tensor& x, BlockCache& cache, const Mask& self_mask,
                          const Mask& memory_mask, const Layout& layout) const {
  const Context context = Context::inference();
  return run(
      positions ? positions->step(x, cache.recent, layout) : x, layout, context,
      [&](const Tensor& h) {
        cache.write(attention.keys(h, layout.positions()), attention.value(h),
                    layout.first_position());
        return attention.attend(h, cache.keys, cache.values, self_mask, context);
      },
      [&](const Tensor& h) {
        return cross_attention.attend(h, cache.memory_keys, cache.memory_values, memory_mask,
                                      context);
      });
}

}  // namespace adjoint::nn
