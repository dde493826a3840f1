#include "nn/attention.h"

#include "nn/dropout.h"

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

MultiHeadAttention::MultiHeadAttention(Index width, Index head_count, double p, Key random,
                                       Bias bias, Positions kind,
                                       const PositionOptions& position_options)
    : query(width, width, random.child("query"), bias),
      key(width, width, random.child("key"), bias),
      value(width, width, random.child("value"), bias),
      output(width, width, random.child("output"), bias),
      heads(head_count),
      drop(p),
      positions(kind) {
  require(heads >= 1 && width % heads == 0, "multi-head attention: ", heads,
          " heads do not divide a width of ", width);
  require(positions != Positions::rotary || width / heads % 2 == 0,
          "multi-head attention: rotary positions need heads of an even width, not ",
          width / heads);
  if (positions == Positions::relative)
    relative.emplace(position_options.max_distance, width / heads, position_options.relative_values,
                     random.child("relative"));
}

Tensor MultiHeadAttention::placed(const Tensor& projected, const Tensor& rows) const {
  return positions == Positions::rotary ? rotary(projected, rows, heads) : projected;
}

Tensor MultiHeadAttention::keys(const Tensor& x, const Tensor& rows) const {
  return placed(key(x), rows);
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
  const Tensor q = placed(query(queries), mask.query_positions());
  if (relative)
    return output(relative_attention(q, projected_keys, projected_values, *relative, mask, heads,
                                     drop, context));
  return output(dot_product_attention(q, projected_keys, projected_values, mask, heads, drop,
                                      context, positions));
}

Tensor MultiHeadAttention::weights(const Tensor& queries, const Tensor& memory,
                                   const Mask& mask) const {
  const Tensor q = placed(query(queries), mask.query_positions());
  const Tensor k = keys(memory, mask.key_positions());
  if (relative) return relative_attention_weights(q, k, *relative, mask, heads);
  return attention_weights(
      q, k, mask.pattern(),
      {.heads = heads, .linear_biases = positions == Positions::linear_biases});
}

// ---- Heads as examples -------------------------------------------------------------------------

Tensor transpose_qkv(const Tensor& x, Index heads) {
  require(x.rank() == 3 && heads >= 1 && x.size(2) % heads == 0, "transpose_qkv: ", heads,
          " heads do not divide the width of x ", x.shape());
  const Index batch = x.size(0), steps = x.size(1), width = x.size(2);
  const Tensor split = reshape(x, {batch, steps, heads, width / heads});
  const Tensor moved = permute(split, {0, 2, 1, 3});             // [batch, heads, steps, d]
  return reshape(moved, {batch * heads, steps, width / heads});  // [batch · heads, steps, d]
}

Tensor transpose_output(const Tensor& x, Index heads) {
  require(x.rank() == 3 && heads >= 1 && x.size(0) % heads == 0, "transpose_output: ", heads,
          " heads do not divide the batch of x ", x.shape());
  const Index batch = x.size(0) / heads, steps = x.size(1), width = x.size(2);
  const Tensor split = reshape(x, {batch, heads, steps, width});
  const Tensor moved = permute(split, {0, 2, 1, 3});     // [batch, steps, heads, d]
  return reshape(moved, {batch, steps, heads * width});  // [batch, steps, heads · d]
}

Tensor repeat_for_heads(const Tensor& lengths, Index heads) {
  Tensor order({{lengths.size(0) * heads}, DType::i64});
  Index position = 0;
  for (Index& example : order.edit<Index>()) example = position++ / heads;
  return gather(lengths, order);  // [batch · heads] or [batch · heads, queries]
}

}  // namespace adjoint::nn
