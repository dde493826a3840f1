#include "nn/layers/attention.h"

#include <cmath>

#include "nn/layers/dropout.h"

namespace adjoint::nn {

Tensor dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                             const Mask& mask, Index heads, double drop, const Context& context,
                             Positions positions) {
  AttentionOptions options{.heads = heads, .linear_biases = positions == Positions::linear_biases};
  if (context.training() && drop > 0) {
    options.dropout = drop;
    options.key = context.take_key();
  }
  return attention(query, key, value, mask.pattern(), options);
}

// ---- Additive ----------------------------------------------------------------------------------

AdditiveAttention::AdditiveAttention(Index query_width, Index key_width, Index hidden, double p,
                                     Key random)
    : query(query_width, hidden, random.child("query"), Bias::no),
      key(key_width, hidden, random.child("key"), Bias::no),
      score(hidden, 1, random.child("score"), Bias::no),
      drop(p) {}

Tensor AdditiveAttention::weights(const Tensor& queries, const Tensor& keys,
                                  const Mask& mask) const {
  require(queries.rank() == 3 && keys.rank() == 3 && queries.size(0) == keys.size(0),
          "additive attention: needs padded [batch, steps, width], got queries ", queries.shape(),
          " and keys ", keys.shape());
  return weights_of_projected(queries, key(keys), mask.dense());
}

Tensor AdditiveAttention::weights_of_projected(const Tensor& queries, const Tensor& projected_keys,
                                               const Tensor& allowed) const {
  const Tensor q = query(queries);
  const Tensor& k = projected_keys;
  const Index batch = q.size(0), n = q.size(1), m = k.size(1), hidden = q.size(2);
  const Tensor pairs = tanh(reshape(q, {batch, n, 1, hidden}) +
                            reshape(k, {batch, 1, m, hidden}));  // [batch, queries, keys, hidden]
  const Tensor scores = reshape(score(pairs), {batch, n, m});    // [batch, queries, keys]
  return masked_softmax(scores, allowed);
}

Tensor AdditiveAttention::operator()(const Tensor& queries, const Tensor& keys,
                                     const Tensor& values, const Mask& mask, const Layout& layout,
                                     const Context& context) const {
  const NameScope scope(context.path());
  const Tensor dropped = dropout(weights(queries, keys, mask), drop, layout, context);
  return matmul(dropped, values);  // [batch, queries, values' width]
}

// ---- Multi-head --------------------------------------------------------------------------------

namespace {

Tensor made_score_weight(Score score, Index heads, Index d, Key key) {
  if (score == Score::bilinear) {
    const Tensor identities = broadcast_to(eye(d), {heads, d, d});
    return variable(copy(identities));
  }
  if (score == Score::additive)
    return normal_weight({heads, d}, 1 / std::sqrt(static_cast<double>(d)), key);
  return {};
}

// q_h W_h for each head: rows […, heads · d] by W [heads, d, d]
Tensor times_head_weights(const Tensor& q, const Tensor& weight) {
  const Index heads = weight.size(0), d = weight.size(1);
  const Tensor split = permute(reshape(q, {-1, heads, d}), {1, 0, 2});  // [heads, rows, d]
  const Tensor moved = permute(matmul(split, weight), {1, 0, 2});       // [rows, heads, d]
  return reshape(moved, q.shape());                                     // […, heads · d]
}

// wᵀ tanh(q + k) for q [n, queries, d], k [n, keys, d] and w [n, d]: [n, queries, keys]
Tensor additive_scores(const Tensor& q, const Tensor& k, const Tensor& w) {
  const Index n = q.size(0), queries = q.size(1), keys = k.size(1), d = q.size(2);
  const Tensor pairs =
      tanh(reshape(q, {n, queries, 1, d}) + reshape(k, {n, 1, keys, d}));  // [n, queries, keys, d]
  const Tensor flat = reshape(pairs, {n, queries * keys, d});
  return reshape(matmul(flat, reshape(w, {n, d, 1})), {n, queries, keys});  // [n, queries, keys]
}

}  // namespace

MultiHeadAttention::MultiHeadAttention(Index width, Index head_count, double p, Key random,
                                       const HeadOptions& o)
    : query(width, width, random.child("query"), o.bias),
      key(o.memory_width > 0 ? o.memory_width : width, width, random.child("key"), o.bias),
      value(o.memory_width > 0 ? o.memory_width : width, width, random.child("value"), o.bias),
      output(width, width, random.child("output"), o.bias),
      heads(head_count),
      drop(p),
      positions(o.positions),
      score(o.score),
      layout(o.layout) {
  require(heads >= 1 && width % heads == 0, "multi-head attention: ", heads,
          " heads do not divide a width of ", width);
  require(positions != Positions::rotary || width / heads % 2 == 0,
          "multi-head attention: rotary positions need heads of an even width, not ",
          width / heads);
  require(
      positions != Positions::rotary || score != Score::additive,
      "multi-head attention: rotary positions need scores that are products, not additive ones");
  require(positions != Positions::relative ||
              (score == Score::dot_product && layout == HeadLayout::side_by_side),
          "multi-head attention: relative positions need dot products as scores and heads side by "
          "side");
  if (positions == Positions::relative)
    relative.emplace(o.position_options.max_distance, width / heads,
                     o.position_options.relative_values, random.child("relative"));
  score_weight = made_score_weight(score, heads, width / heads, random.child("score"));
}

Tensor MultiHeadAttention::placed(const Tensor& projected, const Tensor& rows) const {
  return positions == Positions::rotary ? rotary(projected, rows, heads) : projected;
}

Tensor MultiHeadAttention::keys(const Tensor& x, const Tensor& rows) const {
  return placed(key(x), rows);
}

Tensor MultiHeadAttention::queries_of(const Tensor& x, const Mask& mask) const {
  const Tensor q = query(x);
  return placed(score == Score::bilinear ? times_head_weights(q, score_weight) : q,
                mask.query_positions());
}

Tensor MultiHeadAttention::operator()(const Tensor& queries, const Tensor& memory,
                                      const Tensor& values, const Mask& mask,
                                      const Context& context) const {
  const NameScope scope(context.path());
  return attend(queries, keys(memory, mask.key_positions()), value(values), mask, context);
}

Tensor MultiHeadAttention::attend(const Tensor& queries, const Tensor& projected_keys,
                                  const Tensor& projected_values, const Mask& mask,
                                  const Context& context) const {
  const NameScope scope(context.path());
  const Tensor q = queries_of(queries, mask);
  if (context.watches_attention()) context.see_attention(weights_of(q, projected_keys, mask));
  const Tensor results = heads_results(q, projected_keys, projected_values, mask, context);
  if (pruned.empty()) return output(results);
  const Index width = results.size(-1);
  const Tensor factors =
      reshape(broadcast_to(kept(results.dtype()), {heads, width / heads}), {width});
  return output(results * factors);
}

// What the heads have found, side by side: […, width].
Tensor MultiHeadAttention::heads_results(const Tensor& q, const Tensor& k, const Tensor& v,
                                         const Mask& mask, const Context& context) const {
  if (relative) return relative_attention(q, k, v, *relative, mask, heads, drop, context);
  if (!as_examples()) return dot_product_attention(q, k, v, mask, heads, drop, context, positions);
  const HeadsAsExamples examples(mask, heads, order());
  const Tensor weights = examples.dropped(weights_of(q, k, examples), drop, context);
  const Tensor results = matmul(weights, examples.keys(v));  // [batch · heads, queries, d]
  return examples.rows(results, q.shape().part(0, q.rank() - 1));
}

// [batch · heads, queries, keys]
Tensor MultiHeadAttention::weights_of(const Tensor& q_rows, const Tensor& k_rows,
                                      const HeadsAsExamples& examples) const {
  const Tensor q = examples.queries(q_rows),
               k = examples.keys(k_rows);  // [batch · heads, steps, d]
  Tensor scores = score == Score::additive
                      ? additive_scores(q, k, examples.of_heads(score_weight))
                      : matmul(q, k, Transposed::b) / std::sqrt(static_cast<double>(q.size(2)));
  if (positions == Positions::linear_biases) scores = scores + examples.linear_biases(q.dtype());
  return examples.weights(scores);
}

// [batch, heads, queries, keys]
Tensor MultiHeadAttention::weights_of(const Tensor& q, const Tensor& k, const Mask& mask) const {
  const auto of_all_heads = [&] {
    if (relative) return relative_attention_weights(q, k, *relative, mask, heads);
    if (!as_examples())
      return attention_weights(
          q, k, mask.pattern(),
          {.heads = heads, .linear_biases = positions == Positions::linear_biases});
    const HeadsAsExamples examples(mask, heads, order());
    return examples.by_head(weights_of(q, k, examples));
  };
  if (pruned.empty()) return of_all_heads();
  return of_all_heads() * reshape(kept(q.dtype()), {heads, 1, 1});
}

Tensor MultiHeadAttention::weights(const Tensor& queries, const Tensor& memory,
                                   const Mask& mask) const {
  return weights_of(queries_of(queries, mask), keys(memory, mask.key_positions()), mask);
}

// ---- Pruning -----------------------------------------------------------------------------------

void MultiHeadAttention::prune(const std::vector<Index>& heads_off) {
  for (const Index head : heads_off)
    require(head >= 0 && head < heads, "multi-head attention: there is no head ", head, " among ",
            heads);
  pruned.insert(pruned.end(), heads_off.begin(), heads_off.end());
}

// 0 for the heads that are switched off, 1 for the others: [heads, 1].
Tensor MultiHeadAttention::kept(DType dtype) const {
  Tensor factors = ones({heads, 1}, DType::f64);
  for (const Index head : pruned) factors.edit<double>()[static_cast<std::size_t>(head)] = 0;
  return adjoint::cast(factors, dtype);
}

}  // namespace adjoint::nn
