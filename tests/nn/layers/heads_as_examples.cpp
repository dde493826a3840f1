#include "tests/nn/layers/heads_as_examples.h"

#include <cmath>

namespace adjoint::testing {

using namespace nn;
using experiments::heads_as_examples;

// ---- The two orders ----------------------------------------------------------------------------

Tensor for_each_head(const Tensor& of_examples, Index heads, HeadOrder order) {
  const Tensor one = reshape(of_examples, of_examples.shape().inserted(1, 1));  // [batch, 1, …]
  return heads_as_examples(broadcast_to(one, one.shape().with(1, heads)), order);
}

Tensor for_each_example(const Tensor& of_heads, Index batch, HeadOrder order) {
  const Tensor one = reshape(of_heads, of_heads.shape().inserted(0, 1));  // [1, heads, …]
  return heads_as_examples(broadcast_to(one, one.shape().with(0, batch)), order);
}

// ---- Attention ---------------------------------------------------------------------------------

Tensor dropped(const Tensor& weights, const PaddedPattern& padded, Index heads, HeadOrder order,
               double p, const Context& context) {
  if (!context.training() || p == 0) return weights;
  Tensor names({{padded.examples, heads, padded.queries}, DType::i64});
  Index* name = names.edit<Index>().data();
  const Index* numbers = padded.row_numbers.values<Index>().data();
  for (Index b = 0; b < padded.examples; ++b, numbers += padded.queries)
    for (Index h = 0; h < heads; ++h)
      for (Index q = 0; q < padded.queries; ++q) *name++ = numbers[q] * heads + h;
  return adjoint::dropout(weights, p, context.take_key(), heads_as_examples(names, order));
}

namespace {

// wᵀ tanh(q + k) for q [n, queries, d], k [n, keys, d] and w [n, d]: [n, queries, keys]
Tensor additive_scores(const Tensor& q, const Tensor& k, const Tensor& w) {
  const Index n = q.size(0), queries = q.size(1), keys = k.size(1), d = q.size(2);
  const Tensor pairs =
      tanh(reshape(q, {n, queries, 1, d}) + reshape(k, {n, 1, keys, d}));  // [n, queries, keys, d]
  const Tensor flat = reshape(pairs, {n, queries * keys, d});
  return reshape(matmul(flat, reshape(w, {n, d, 1})), {n, queries, keys});  // [n, queries, keys]
}

}  // namespace

Tensor attend(const MultiHeadAttention& layer, const Tensor& queries, const Tensor& memory,
              const Mask& mask, HeadOrder order, const Context& context) {
  const Index heads = layer.head_count();
  const PaddedPattern padded = mask.padded();
  const auto examples = [&](const Tensor& rows, const Tensor& table) {
    const Tensor flat = reshape(rows, {-1, rows.size(-1)});   // [rows, heads · d]
    return transpose_qkv(gather(flat, table), heads, order);  // [batch · heads, steps, d]
  };
  const auto* additive = std::get_if<AdditiveHeads>(&layer.heads);
  const auto* products = std::get_if<DotProductHeads>(&layer.heads);
  const Tensor projected = layer.query(queries);
  const Tensor q =
      examples(products ? products->queries(projected, mask.query_positions()) : projected,
               padded.query_rows);
  const Tensor k = examples(layer.keys(memory, mask.key_positions()), padded.key_rows);

  Tensor scores =
      additive ? additive_scores(q, k, for_each_example(additive->weight, padded.examples, order))
               : matmul(q, k, Transposed::b) / std::sqrt(static_cast<double>(q.size(2)));
  if (additive ? additive->linear_biases : products->linear_biases)
    scores = scores + heads_as_examples(padded.linear_biases(heads, q.dtype()), order);
  const Tensor allowed = reshape(padded.allowed, {padded.examples, padded.queries, padded.keys});
  const Tensor weights =
      dropped(masked_softmax(scores, for_each_head(allowed, heads, order)), padded, heads, order,
              std::visit([](const Heads& h) { return h.drop; }, layer.heads), context);
  const Tensor found = matmul(weights, examples(layer.value(memory), padded.key_rows));
  const Tensor together = transpose_output(found, heads, order);  // [batch, queries, heads · d]
  const Tensor rows =
      scatter_add(together, padded.query_rows, 0, projected.numel() / together.size(2));
  return layer.output(reshape(rows, projected.shape()));
}

}  // namespace adjoint::testing
