// Attention with a learned vector for each distance between query and key (Shaw et al. 2018,
// "Self-attention with relative position representations", section 3.2).
#pragma once

#include "nn/layers/heads.h"

namespace adjoint::nn {

/// Heads that attend within a sequence, with a^K and a^V the vectors for the distance j − i
/// (equations 3 and 4):
///   yᵢ = Σⱼ wᵢⱼ (vⱼ + a^V),   wᵢ = softmax over the visible j of qᵢ · (kⱼ + a^K) / √d
/// All heads share the vectors. Distances beyond ±max_distance count as the largest. Composed of
/// public operations: it keeps the weights for the sweep and is slower than attention().
struct RelativeHeads : Heads {
  Tensor key_vectors;    // [2 · max_distance + 1, d]: row max_distance + j − i
  Tensor value_vectors;  // the same for values, or undefined

  RelativeHeads(Index heads, Index head_width, double drop, Index max_distance, bool with_values,
                Key key);
  void fields(Fields& visit) override {
    visit("relative.keys", key_vectors)("relative.values", value_vectors);
  }

  Tensor operator()(const Tensor& q, const Tensor& k, const Tensor& v, const Mask& mask,
                    const Context& context) const;
  Tensor weights(const Tensor& q, const Tensor& k, const Mask& mask) const;

 private:
  Tensor weights(const Tensor& q, const Tensor& k, const PaddedPattern& padded,
                 const Tensor& distances) const;
  Tensor distances(const PaddedPattern& padded) const;
};

}  // namespace adjoint::nn
