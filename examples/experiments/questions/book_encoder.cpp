#include "examples/experiments/questions/book_encoder.h"

#include <cmath>

namespace adjoint::experiments {

// ---- The two orders ----------------------------------------------------------------------------

namespace {

// Exchanges the first two axes.
Tensor swapped(const Tensor& x) { return transpose(x, 0, 1); }

}  // namespace

Tensor heads_as_examples(const Tensor& x, HeadOrder order) {
  const Tensor moved = order == HeadOrder::batch_major ? x : swapped(x);
  return reshape(moved, Shape{x.size(0) * x.size(1)}.joined(x.shape().part(2, x.rank())));
}

Tensor examples_as_heads(const Tensor& x, Index heads, HeadOrder order) {
  const Index batch = x.size(0) / heads;
  const Shape inner = x.shape().part(1, x.rank());
  if (order == HeadOrder::batch_major) return reshape(x, Shape{batch, heads}.joined(inner));
  return swapped(reshape(x, Shape{heads, batch}.joined(inner)));  // [batch, heads, …]
}

Tensor transpose_qkv(const Tensor& x, Index heads, HeadOrder order) {
  const Index batch = x.size(0), steps = x.size(1), width = x.size(2);
  require(heads >= 1 && width % heads == 0, "transpose_qkv: ", heads,
          " heads do not divide the width ", width);
  const Tensor split = reshape(x, {batch, steps, heads, width / heads});
  return heads_as_examples(permute(split, {0, 2, 1, 3}), order);  // [batch · heads, steps, d]
}

Tensor transpose_output(const Tensor& x, Index heads, HeadOrder order) {
  const Index steps = x.size(1), width = heads * x.size(2);
  const Tensor split = examples_as_heads(x, heads, order);           // [batch, heads, steps, d]
  return reshape(permute(split, {0, 2, 1, 3}), {-1, steps, width});  // [batch, steps, width]
}

Tensor lengths_for_heads(const Tensor& lengths, Index heads, LengthOrder order) {
  const Tensor one = reshape(lengths, lengths.shape().inserted(1, 1));  // [batch, 1, …]
  const Tensor all = broadcast_to(one, one.shape().with(1, heads));     // [batch, heads, …]
  return heads_as_examples(
      all, order == LengthOrder::repeat ? HeadOrder::batch_major : HeadOrder::head_major);
}

// ---- Attention ---------------------------------------------------------------------------------

Tensor filled_softmax(const Tensor& scores, const Tensor& allowed) {
  return softmax(where(allowed, scores, scalar(-1e6, scores.dtype())));
}

Tensor book_attention(const nn::MultiHeadAttention& layer, const Tensor& x, const Tensor& lengths,
                      const Orders& orders, const nn::Context& context) {
  require(x.rank() == 3 && lengths.shape() == Shape{x.size(0)},
          "book_attention: needs x [batch, steps, width] and lengths [batch], got ", x.shape(),
          " and ", lengths.shape());
  const Index heads = layer.head_count(), steps = x.size(1);
  const Tensor q = transpose_qkv(layer.query(x), heads, orders.heads);  // [batch · heads, steps, d]
  const Tensor k = transpose_qkv(layer.key(x), heads, orders.heads);
  const Tensor v = transpose_qkv(layer.value(x), heads, orders.heads);
  const Tensor valid = reshape(lengths_for_heads(lengths, heads, orders.lengths), {-1, 1, 1});
  const Tensor allowed =
      less(reshape(arange(steps, DType::i64), {1, 1, -1}), valid);  // [batch · heads, 1, keys]
  const Tensor scores = matmul(q, k, Transposed::b) / std::sqrt(static_cast<double>(q.size(2)));
  const Tensor weights = filled_softmax(scores, allowed);  // [batch · heads, queries, keys]
  if (context.watches_attention())
    context.see_attention(examples_as_heads(weights, heads, orders.heads));
  return layer.output(transpose_output(matmul(weights, v), heads, orders.heads));
}

double mass_on_padding(const Tensor& weights, const Tensor& lengths) {
  require(weights.rank() == 4 && lengths.shape() == Shape{weights.size(0)},
          "mass_on_padding: needs weights [batch, heads, queries, keys] and lengths [batch], got ",
          weights.shape(), " and ", lengths.shape());
  const Tensor step = reshape(arange(weights.size(3), DType::i64), {1, -1});    // [1, steps]
  const Tensor real = cast(less(step, reshape(lengths, {-1, 1})), DType::f64);  // [batch, steps]
  const Tensor of_query = reshape(real, {weights.size(0), 1, -1, 1});
  const Tensor of_key = reshape(real, {weights.size(0), 1, 1, -1});
  const Tensor counted =
      cast(detach(weights), DType::f64) * of_query;  // [batch, heads, queries, keys]
  return sum(counted * (1 - of_key)).item() / sum(counted).item();
}

// ---- The encoder -------------------------------------------------------------------------------

namespace {

nn::TransformerConfig config_of(const BookEncoderOptions& o) {
  nn::TransformerConfig config{o.tokens, o.tokens, o.width};
  config.hidden = o.hidden;
  config.heads = o.heads;
  config.encoder_blocks = o.blocks;
  config.dropout = 0;
  config.max_length = o.max_length;
  return config.check();
}

}  // namespace

BookEncoder::BookEncoder(const BookEncoderOptions& options, Key key)
    : layers(config_of(options), key), orders(options.orders) {}

Tensor BookEncoder::operator()(const Tensor& ids, const Tensor& lengths,
                               const nn::Context& context) const {
  require(ids.rank() == 2, "book encoder: needs ids [batch, steps], got ", ids.shape());
  const auto all = nn::Layout::full(ids.size(0), ids.size(1));
  Tensor x = layers.positions(layers.embedding(ids), all, context);  // [batch, steps, width]
  for (std::size_t i = 0; i < layers.blocks.size(); ++i) {
    const nn::EncoderBlock& block = layers.blocks[i];
    const nn::Context here = context.child("blocks", i);
    x = block.norm1(x, all, here, [&](const Tensor& h) {
      return book_attention(block.attention, h, lengths, orders, here.child("attention"));
    });
    x = block.norm2(x, all, here, [&](const Tensor& h) { return block.feed_forward(h, here); });
  }
  return x;
}

Tensors BookEncoder::weights(const Tensor& ids, const Tensor& lengths) const {
  const NoRecording guard;
  nn::AttentionWeights seen;
  (*this)(ids, lengths, nn::Context::inference().watching(seen));
  Tensors result;
  for (std::size_t i = 0; i < layers.blocks.size(); ++i)
    result.push_back(seen.at("blocks." + std::to_string(i) + ".attention"));
  return result;
}

}  // namespace adjoint::experiments
