// Attention that knows how far a key is from its query, by vectors learned for each distance.
#pragma once

#include "nn/batch/context.h"
#include "nn/batch/mask.h"
#include "nn/module.h"

namespace adjoint::nn {

/// A vector for each distance from −max_distance to max_distance, for one head's keys and values;
/// all heads share them. Distances beyond count as the largest. (Shaw et al. 2018, "Self-attention
/// with relative position representations", section 3.2.)
struct RelativePositions : Module {
  Tensor keys;  // [2 · max_distance + 1, head width]: row max_distance + r for a key r steps later
  Tensor values;  // likewise, or not defined

  RelativePositions(Index max_distance, Index head_width, bool with_values, Key key);
  void fields(Fields& visit) override { visit("keys", keys)("values", values); }

  Index max_distance() const { return keys.size(0) / 2; }
};

/// Attention within a sequence, with a^K and a^V the vectors for the distance j − i (equations 3
/// and 4):
///   yᵢ = Σⱼ wᵢⱼ (vⱼ + a^V),   wᵢ = softmax over the visible j of qᵢ · (kⱼ + a^K) / √d
/// Shapes, mask and heads as in attention(); `drop` applies to the weights. Composed of public
/// operations, not fused: it remembers the weights, and takes more time than attention() does.
Tensor relative_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                          const RelativePositions& relative, const Mask& mask, Index heads,
                          double drop, const Context& context);
/// Its weights, before dropout: [examples, heads, most queries, most keys].
Tensor relative_attention_weights(const Tensor& query, const Tensor& key,
                                  const RelativePositions& relative, const Mask& mask, Index heads);

}  // namespace adjoint::nn
