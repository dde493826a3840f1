#include "nn/layers/heads_as_examples.h"

#include <cmath>

namespace adjoint::nn {

// ---- The two orders ----------------------------------------------------------------------------

namespace {

// [batch, heads, …] to [batch · heads, …] in this order.
Tensor merged(const Tensor& x, HeadOrder order) {
  const Shape inner = x.shape().part(2, x.rank());
  if (order == HeadOrder::batch_major)
    return reshape(x, Shape{x.size(0) * x.size(1)}.joined(inner));
  Axes axes = {1, 0};
  for (Index axis = 2; axis < x.rank(); ++axis) axes.push_back(axis);
  return merged(permute(x, axes), HeadOrder::batch_major);  // of [heads, batch, …]
}

// Undoes it: [batch · heads, steps, d] to [batch, heads, steps, d].
Tensor apart(const Tensor& x, Index heads, HeadOrder order) {
  const Index batch = x.size(0) / heads, steps = x.size(1), d = x.size(2);
  if (order == HeadOrder::batch_major) return reshape(x, {batch, heads, steps, d});
  return permute(reshape(x, {heads, batch, steps, d}), {1, 0, 2, 3});
}

}  // namespace

Tensor transpose_qkv(const Tensor& x, Index heads, HeadOrder order) {
  require(x.rank() == 3 && heads >= 1 && x.size(2) % heads == 0, "transpose_qkv: ", heads,
          " heads do not divide the width of x ", x.shape());
  const Index batch = x.size(0), steps = x.size(1), width = x.size(2);
  const Tensor split = reshape(x, {batch, steps, heads, width / heads});
  const Tensor moved = permute(split, {0, 2, 1, 3});  // [batch, heads, steps, d]
  return merged(moved, order);                        // [batch · heads, steps, d]
}

Tensor transpose_output(const Tensor& x, Index heads, HeadOrder order) {
  require(x.rank() == 3 && heads >= 1 && x.size(0) % heads == 0, "transpose_output: ", heads,
          " heads do not divide the batch of x ", x.shape());
  const Index batch = x.size(0) / heads, steps = x.size(1), width = x.size(2);
  const Tensor moved = permute(apart(x, heads, order), {0, 2, 1, 3});  // [batch, steps, heads, d]
  return reshape(moved, {batch, steps, heads * width});                // [batch, steps, heads · d]
}

Tensor for_each_head(const Tensor& of_examples, Index heads, HeadOrder order) {
  const Tensor one = reshape(of_examples, of_examples.shape().inserted(1, 1));  // [batch, 1, …]
  return merged(broadcast_to(one, one.shape().with(1, heads)), order);
}

Tensor for_each_example(const Tensor& of_heads, Index batch, HeadOrder order) {
  const Tensor one = reshape(of_heads, of_heads.shape().inserted(0, 1));  // [1, heads, …]
  return merged(broadcast_to(one, one.shape().with(0, batch)), order);
}

// ---- Attention ---------------------------------------------------------------------------------

HeadsAsExamples::HeadsAsExamples(const Mask& mask, Index heads, HeadOrder order)
    : heads_(heads), order_(order), allowed_(mask.dense()) {
  const std::vector<AttentionPattern::Example>& all = mask.pattern()->examples;
  batch_ = static_cast<Index>(all.size());
  const Index queries = allowed_.size(1), keys = allowed_.size(2);
  query_rows_ = full({batch_, queries}, none, DType::i64);
  key_rows_ = full({batch_, keys}, none, DType::i64);
  places_ = full({mask.query_positions().numel()}, none, DType::i64);
  positions_ = zeros({batch_, queries}, DType::i64);
  numbers_ = zeros({batch_, queries}, DType::i64);
  const auto edit = [](Tensor& table, Index at) -> Index& {
    return table.edit<Index>()[static_cast<std::size_t>(at)];
  };
  for (Index b = 0; b < batch_; ++b) {
    const AttentionPattern::Example& e = all[static_cast<std::size_t>(b)];
    for (Index k = 0; k < e.keys; ++k) edit(key_rows_, b * keys + k) = e.key_begin + k;
    for (Index q = 0; q < e.queries; ++q) {
      const Index at = b * queries + q;
      edit(query_rows_, at) = e.query_begin + q;
      edit(places_, e.query_begin + q) = at;
      edit(positions_, at) = e.first_position + q;
      edit(numbers_, at) = e.number << 32 | (e.first_position + q);
    }
  }
}

Tensor HeadsAsExamples::examples(const Tensor& rows, const Tensor& table) const {
  const Tensor flat = reshape(rows, {-1, rows.size(-1)});     // [rows, heads · d]
  return transpose_qkv(gather(flat, table), heads_, order_);  // [batch · heads, steps, d]
}

Tensor HeadsAsExamples::linear_biases(DType dtype) const {
  const Index queries = allowed_.size(1), keys = allowed_.size(2);
  Tensor distances({{batch_, queries, keys}, DType::f64}), slopes({{heads_, 1, 1}, DType::f64});
  double* distance = distances.edit<double>().data();
  for (const Index position : positions_.values<Index>())
    for (Index k = 0; k < keys; ++k) *distance++ = static_cast<double>(std::abs(position - k));
  for (Index h = 0; h < heads_; ++h)
    slopes.edit<double>()[static_cast<std::size_t>(h)] =
        -std::exp2(-8 * static_cast<double>(h + 1) / static_cast<double>(heads_));
  return adjoint::cast(for_each_head(distances, heads_, order_) * of_heads(slopes), dtype);
}

Tensor HeadsAsExamples::weights(const Tensor& scores) const {
  return masked_softmax(scores, for_each_head(allowed_, heads_, order_));
}

Tensor HeadsAsExamples::dropped(const Tensor& weights, double p, const Context& context) const {
  if (!context.training() || p == 0) return weights;
  Tensor names({{batch_, heads_, numbers_.size(1)}, DType::i64});  // another one in each head
  Index* name = names.edit<Index>().data();
  for (Index b = 0; b < batch_; ++b)
    for (Index h = 0; h < heads_; ++h)
      for (Index q = 0; q < numbers_.size(1); ++q)
        *name++ =
            numbers_.values<Index>()[static_cast<std::size_t>(b * numbers_.size(1) + q)] * heads_ +
            h;
  return adjoint::dropout(weights, p, context.take_key(), merged(names, order_));
}

Tensor HeadsAsExamples::by_head(const Tensor& weights) const {
  return apart(weights, heads_, order_);
}

Tensor HeadsAsExamples::rows(const Tensor& results, const Shape& leading) const {
  const Tensor padded = transpose_output(results, heads_, order_);  // [batch, queries, heads · d]
  const Tensor flat = reshape(padded, {-1, padded.size(2)});  // [batch · queries, heads · d]
  return reshape(gather(flat, places_), leading.joined({padded.size(2)}));
}

}  // namespace adjoint::nn
