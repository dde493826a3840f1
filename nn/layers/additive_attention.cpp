#include "nn/layers/additive_attention.h"
#include "autograd/tools/broadcast.h"
#include "nn/layers/dropout.h"

#include <cmath>

namespace adjoint::nn {
namespace {

// tanh(q + k) for all pairs of q [n, queries, d] and k [n, keys, d]: [n, queries, keys, d]. The
// mask `may_attend` is b8 and broadcasts to [n, queries, keys].
Tensor tanh_of_pairs(const Tensor& q, const Tensor& k, const Tensor& may_attend) {
  const Index n = q.size(0), queries = q.size(1), keys = k.size(1), d = q.size(2);
  const DeliberateBroadcast all_pairs;
  const Tensor sums = reshape(q, {n, queries, 1, d}) + reshape(k, {n, 1, keys, d});
  if (all_finite(q) && all_finite(k)) return tanh(sums);
  // A hidden pair gets a gradient of 0, which tanh's vjp would multiply by NaN.
  const Tensor mask = reshape(broadcast_to(may_attend, {n, queries, keys}), {n, queries, keys, 1});
  return tanh(where(mask, sums, scalar(0, sums.dtype())));
}

}  // namespace

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
  return weights_of_projected(visible_queries(queries, mask), key(visible_keys(keys, mask)),
                              mask.dense());
}

Tensor AdditiveAttention::weights_of_projected(const Tensor& queries, const Tensor& projected_keys,
                                               const Tensor& allowed) const {
  const Tensor pairs = tanh_of_pairs(query(queries), projected_keys, allowed);
  const Shape scores = pairs.shape().part(0, 3);                  // [batch, queries, keys]
  return masked_softmax(reshape(score(pairs), scores), allowed);  // [batch, queries, keys]
}

Tensor AdditiveAttention::operator()(const Tensor& queries, const Tensor& keys,
                                     const Tensor& values, const Mask& mask, const Layout& layout,
                                     const Context& context) const {
  const NameScope scope(context.path());
  const Tensor all = weights(queries, keys, mask);
  KeptWeights kept(all, mask.dense());
  if (context.training() && drop > 0)
    kept = {all, mask.dense(), dropout(ones(all.shape(), all.dtype()), drop, layout, context)};
  return kept.sum(visible_keys(values, mask));  // [batch, queries, values' width]
}

AdditiveHeads::AdditiveHeads(Index heads, Index head_width, double p, bool with_linear_biases,
                             Key key)
    : Heads(heads, p),
      weight(
          normal_weight({heads, head_width}, 1 / std::sqrt(static_cast<double>(head_width)), key)),
      linear_biases(with_linear_biases) {}

Tensor AdditiveHeads::operator()(const Tensor& q, const Tensor& k, const Tensor& v,
                                 const Mask& mask, const Context& context) const {
  const PaddedPattern padded = mask.padded();
  const KeptWeights kept = dropped(weights(q, k, padded), padded, context);
  const Tensor found = kept.sum(padded.split_keys(v, count));  // [examples, heads, queries, d]
  return padded.join(found, q.shape());                        // […, heads · d]
}

// [examples, heads, queries, keys]
Tensor AdditiveHeads::weights(const Tensor& q, const Tensor& k, const PaddedPattern& padded) const {
  const Index d = weight.size(1), n = padded.examples * count;
  const Shape heads{padded.examples, count, padded.queries, padded.keys};
  const Tensor pairs =
      tanh_of_pairs(reshape(padded.split_queries(q, count), {n, padded.queries, d}),
                    reshape(padded.split_keys(k, count), {n, padded.keys, d}),
                    reshape(broadcast_to(padded.allowed, heads), {n, padded.queries, padded.keys}));
  // [examples, heads, queries · keys, d]
  const Tensor flat = reshape(pairs, {padded.examples, count, padded.queries * padded.keys, d});
  Tensor scores = reshape(matmul(flat, reshape(weight, {count, d, 1})), heads);
  if (linear_biases) scores = scores + padded.linear_biases(count, q.dtype());
  return masked_softmax(scores, padded.allowed);
}

}  // namespace adjoint::nn
