#include "nn/layers/heads.h"

#include <algorithm>
#include <cmath>

namespace adjoint::nn {

Tensor dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                             const Mask& mask, Index heads, double drop, const Context& context,
                             bool linear_biases) {
  AttentionOptions options{.heads = heads, .linear_biases = linear_biases};
  if (context.training() && drop > 0) {
    options.dropout = drop;
    options.key = context.take_key();
  }
  return attention(query, key, value, mask.pattern(), options);
}

DotProductHeads::DotProductHeads(Index heads, Index head_width, double p, bool bilinear,
                                 bool with_rotary, bool with_linear_biases)
    : Heads(heads, p), rotary(with_rotary), linear_biases(with_linear_biases) {
  if (bilinear)
    weight = variable(copy(broadcast_to(eye(head_width), {heads, head_width, head_width})));
}

// With bilinear scores q_h W_h for each head.
Tensor DotProductHeads::queries(const Tensor& q, const Tensor& positions) const {
  if (!weight.defined()) return keys(q, positions);
  const Index d = weight.size(1);
  const Tensor split = permute(reshape(q, {-1, count, d}), {1, 0, 2});  // [heads, rows, d]
  const Tensor moved = permute(matmul(split, weight), {1, 0, 2});       // [rows, heads, d]
  return keys(reshape(moved, q.shape()), positions);                    // […, heads · d]
}

// ---- Relative positions -------------------------------------------------------------------------

RelativeHeads::RelativeHeads(Index heads, Index head_width, double p, Index max_distance,
                             bool with_values, Key key)
    : Heads(heads, p) {
  require(max_distance >= 1, "relative positions: the largest distance must be at least 1, is ",
          max_distance);
  const Shape shape{2 * max_distance + 1, head_width};
  const double deviation = 1 / std::sqrt(static_cast<double>(head_width));
  key_vectors = normal_weight(shape, deviation, key.child("keys"));
  if (with_values) value_vectors = normal_weight(shape, deviation, key.child("values"));
}

Tensor RelativeHeads::operator()(const Tensor& q, const Tensor& k, const Tensor& v,
                                 const Mask& mask, const Context& context) const {
  const PaddedPattern padded = mask.padded();
  const Tensor by_pair = distances(padded);
  const KeptWeights kept = dropped(weights(q, k, padded, by_pair), padded, context);
  Tensor found = kept.sum(padded.split_keys(v, count));  // [examples, heads, queries, d]
  if (value_vectors.defined()) {
    // The sum of a query's weights at each distance, then one product with a^V.
    const Shape shape{padded.examples, count, padded.queries, value_vectors.size(0)};
    const Tensor by_distance = reshape(scatter_add(kept.weights, by_pair, 0, shape.numel()),
                                       shape);           // [.., queries, distances]
    found = found + matmul(by_distance, value_vectors);  // [examples, heads, queries, d]
  }
  return padded.join(found, q.shape());  // […, heads · d]
}

Tensor RelativeHeads::weights(const Tensor& q, const Tensor& k, const Mask& mask) const {
  const PaddedPattern padded = mask.padded();
  return weights(q, k, padded, distances(padded));
}

// [examples, heads, queries, keys]
Tensor RelativeHeads::weights(const Tensor& query, const Tensor& key, const PaddedPattern& padded,
                              const Tensor& distances) const {
  const Index d = key_vectors.size(1);
  require(query.size(-1) == key.size(-1) && query.size(-1) == count * d,
          "relative attention: ", count, " heads with vectors ", key_vectors.shape(),
          " do not fit a query ", query.shape(), " and a key ", key.shape());
  const Tensor q = padded.split_queries(query, count);  // [examples, heads, queries, d]
  const Tensor k = padded.split_keys(key, count);       // [examples, heads, keys, d]
  // q · a^K once for each distance, then looked up for each key.
  const Tensor by_distance = matmul(q, key_vectors, Transposed::b);  // [.., queries, distances]
  const Tensor scores =
      masked_scores(q, k, padded.allowed) + gather(reshape(by_distance, {-1}), distances);
  return masked_softmax(scores / std::sqrt(static_cast<double>(d)), padded.allowed);
}

// Where the distance of a pair stands in [examples, heads, queries, distances], flattened: i64
// [examples, heads, queries, keys].
Tensor RelativeHeads::distances(const PaddedPattern& padded) const {
  const Index all = key_vectors.size(0), largest = all / 2;
  Tensor result({{padded.examples, count, padded.queries, padded.keys}, DType::i64});
  Index* at = result.edit<Index>().data();
  Index first = 0;
  for (Index n = 0; n < padded.examples; ++n)
    for (Index head = 0; head < count; ++head)
      for (Index i = 0; i < padded.queries; ++i, first += all)
        for (Index j = 0; j < padded.keys; ++j)
          *at++ = first + largest + std::clamp(j - padded.position(n, i), -largest, largest);
  return result;
}

}  // namespace adjoint::nn
