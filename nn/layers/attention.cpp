#include "nn/layers/attention.h"

namespace adjoint::nn {
namespace {

decltype(MultiHeadAttention::heads) made_heads(Index width, Index heads, double p, Key random,
                                               const HeadOptions& o) {
  require(heads >= 1 && width % heads == 0, "multi-head attention: ", heads,
          " heads do not divide a width of ", width);
  require(compatible(o.score, o.positions),
          "multi-head attention: rotary positions need products as scores, and relative positions "
          "need dot products");
  const Index d = width / heads;
  const bool linear_biases = o.positions == Positions::linear_biases;
  if (o.positions == Positions::relative)
    return RelativeHeads(heads, d, p, o.max_distance, o.relative_values, random.child("relative"));
  if (o.score == Score::additive)
    return AdditiveHeads(heads, d, p, linear_biases, random.child("score"));
  return DotProductHeads(heads, d, p, o.score == Score::bilinear, o.positions == Positions::rotary,
                         linear_biases);
}

}  // namespace

MultiHeadAttention::MultiHeadAttention(Index width, Index head_count, double p, Key random,
                                       const HeadOptions& o)
    : query(width, width, random.child("query"), o.bias),
      key(o.memory_width > 0 ? o.memory_width : width, width, random.child("key"), o.bias),
      value(o.memory_width > 0 ? o.memory_width : width, width, random.child("value"), o.bias),
      output(width, width, random.child("output"), o.bias),
      heads(made_heads(width, head_count, p, random, o)) {}

Tensor MultiHeadAttention::operator()(const Tensor& queries, const Tensor& memory,
                                      const Tensor& values, const Mask& mask,
                                      const Context& context) const {
  const NameScope scope(context.path());
  return attend(queries, keys(visible_keys(memory, mask), mask.key_positions()),
                value(visible_keys(values, mask)), mask, context);
}

Tensor MultiHeadAttention::attend(const Tensor& queries, const Tensor& projected_keys,
                                  const Tensor& projected_values, const Mask& mask,
                                  const Context& context) const {
  const NameScope scope(context.path());
  const Tensor found = std::visit(
      [&](const auto& h) {
        const Tensor q = h.queries(query(visible_queries(queries, mask)), mask.query_positions());
        if (context.watches_attention())
          context.see_attention(without_pruned(h.weights(q, projected_keys, mask)));
        return h(q, projected_keys, projected_values, mask, context);  // […, width]
      },
      heads);
  if (pruned.empty()) return output(found);
  const Index width = found.size(-1);
  const Tensor counts = broadcast_to(kept(), {head_count(), width / head_count()});
  return output(where(reshape(counts, {width}), found, scalar(0, found.dtype())));
}

Tensor MultiHeadAttention::weights(const Tensor& queries, const Tensor& memory,
                                   const Mask& mask) const {
  return std::visit(
      [&](const auto& h) {
        const Tensor q = h.queries(query(visible_queries(queries, mask)), mask.query_positions());
        return without_pruned(
            h.weights(q, keys(visible_keys(memory, mask), mask.key_positions()), mask));
      },
      heads);
}

void MultiHeadAttention::prune(const std::vector<Index>& heads_off) {
  for (const Index head : heads_off)
    require(head >= 0 && head < head_count(), "multi-head attention: there is no head ", head,
            " among ", head_count());
  pruned.insert(pruned.end(), heads_off.begin(), heads_off.end());
}

Tensor MultiHeadAttention::without_pruned(const Tensor& weights) const {
  if (pruned.empty()) return weights;
  return where(reshape(kept(), {head_count(), 1, 1}), weights, scalar(0, weights.dtype()));
}

// b8 [heads, 1]: false for the heads that are switched off.
Tensor MultiHeadAttention::kept() const {
  Tensor counts = ones({head_count(), 1}, DType::b8);
  for (const Index head : pruned) counts.edit<bool>()[static_cast<std::size_t>(head)] = false;
  return counts;
}

}  // namespace adjoint::nn
