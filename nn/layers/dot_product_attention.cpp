#include "nn/layers/dot_product_attention.h"

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

namespace {

// q_h W_h for each head: rows […, heads · d] by W [heads, d, d]
Tensor times_head_weights(const Tensor& q, const Tensor& weight) {
  const Index heads = weight.size(0), d = weight.size(1);
  const Tensor split = permute(reshape(q, {-1, heads, d}), {1, 0, 2});  // [heads, rows, d]
  const Tensor moved = permute(matmul(split, weight), {1, 0, 2});       // [rows, heads, d]
  return reshape(moved, q.shape());                                     // […, heads · d]
}

}  // namespace

Tensor DotProductHeads::queries(const Tensor& q, const Tensor& positions) const {
  return keys(weight.defined() ? times_head_weights(q, weight) : q, positions);
}

Tensor DotProductHeads::keys(const Tensor& k, const Tensor& positions) const {
  return rotary ? adjoint::rotary(k, positions, count) : k;
}

Tensor DotProductHeads::operator()(const Tensor& q, const Tensor& k, const Tensor& v,
                                   const Mask& mask, const Context& context) const {
  return dot_product_attention(q, k, v, mask, count, drop, context, linear_biases);
}

Tensor DotProductHeads::weights(const Tensor& q, const Tensor& k, const Mask& mask) const {
  return attention_weights(q, k, mask.pattern(), {.heads = count, .linear_biases = linear_biases});
}

}  // namespace adjoint::nn
