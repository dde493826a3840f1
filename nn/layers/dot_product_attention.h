// Attention by scaled dot products (Vaswani et al. 2017, section 3.2).
#pragma once

#include "nn/layers/heads.h"

namespace adjoint::nn {

/// softmax(Q Kᵀ/√d) V for each head, in one fused kernel: attention() with a mask, and with dropout
/// of the attention weights in training.
Tensor dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                             const Mask& mask, Index heads, double drop, const Context& context,
                             bool linear_biases = false);

/// Heads whose score of a query q and a key k is a product, q·k / √d.
///
/// Bilinear scores are qᵀ W k / √d with a matrix W for each head: "general" in Luong et al. 2015,
/// equation 8. W begins as the identity, which gives the dot product. (The query's projection could
/// learn W too; the option exists for comparison.)
struct DotProductHeads : Heads {
  Tensor weight;       // W [heads, d, d] of bilinear scores, else undefined
  bool rotary;         // turn queries and keys by their positions (RoFormer): see rotary()
  bool linear_biases;  // lower the score with the distance (ALiBi): see attention()

  DotProductHeads(Index heads, Index head_width, double drop, bool bilinear, bool with_rotary,
                  bool with_linear_biases);
  void fields(Fields& visit) override { visit("score.weight", weight); }

  Tensor queries(const Tensor& q, const Tensor& positions) const;
  Tensor keys(const Tensor& k, const Tensor& positions) const;
  Tensor operator()(const Tensor& q, const Tensor& k, const Tensor& v, const Mask& mask,
                    const Context& context) const;
  Tensor weights(const Tensor& q, const Tensor& k, const Mask& mask) const;
};

}  // namespace adjoint::nn
