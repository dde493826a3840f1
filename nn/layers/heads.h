// The heads of multi-head attention: what they have in common, and those whose scores are scaled
// dot products (Vaswani et al. 2017, section 3.2). additive_attention.h has another kind.
#pragma once

#include <functional>

#include "autograd/kernels/masked_product.h"
#include "nn/batch/context.h"
#include "nn/batch/mask.h"
#include "nn/layers/dropout.h"
#include "nn/module.h"

namespace adjoint::nn {

/// Whether no element is NaN or infinite. Attention checks this first, because keeping such
/// elements out of products with 0 is slow.
inline bool all_finite(const Tensor& x) {
  return dispatch(x.dtype(), [&]<class T>() {
    if constexpr (Real<T>)
      return kernels::all_finite(x.values<T>());
    else
      return true;
  });
}

/// Queries or keys […, width]. If an element is not finite, the rows that take no part in
/// attention, such as padding, become zeros: the gradient of such a row is 0, and the vjp of a
/// projection would multiply it by what the row holds.
inline Tensor without_rows(const Tensor& x, const std::function<Tensor()>& rows_to_keep) {
  if (all_finite(x)) return x;
  return where(reshape(rows_to_keep(), x.shape().with(-1, 1)), x, scalar(0, x.dtype()));
}
inline Tensor visible_queries(const Tensor& x, const Mask& mask) {
  return without_rows(x, [&] { return mask.attending_queries(); });
}
inline Tensor visible_keys(const Tensor& x, const Mask& mask) {
  return without_rows(x, [&] { return mask.attended_keys(); });
}

/// Attention weights after dropout, and the pairs of query and key that the mask and dropout keep:
/// b8, of the same shape or one that broadcasts to it.
struct KeptWeights {
  Tensor weights, pairs;

  /// Without dropout: the mask alone decides.
  KeptWeights(Tensor all, Tensor mask) : weights(std::move(all)), pairs(std::move(mask)) {}
  /// With the given factors of dropout.
  KeptWeights(const Tensor& all, const Tensor& mask, const Tensor& factors)
      : weights(all * factors),
        pairs(where(greater(factors, scalar(0, factors.dtype())), mask, scalar(0, DType::b8))) {}

  /// Σⱼ wᵢⱼ vⱼ over the pairs that are kept.
  Tensor sum(const Tensor& values) const { return masked_sum(weights, values, pairs); }
};

/// The heads of a multi-head attention layer, between its projections. Each kind is a module with
/// these calls, where q, k and v […, width] hold the heads side by side and have been projected:
///
///   queries(q, positions), keys(k, positions)  prepare them, given the position of each row, i64
///                                              [rows]; a cache holds prepared keys
///   operator()(q, k, v, mask, context)         the heads' results side by side: […, width]
///   weights(q, k, mask)                        the attention weights, before dropout: [examples,
///                                              heads, most queries, most keys]
struct Heads : Module {
  Index count;
  double drop;  // of the attention weights

  Heads(Index heads, double p) : count(heads), drop(p) {}

  Tensor queries(const Tensor& q, const Tensor&) const { return q; }
  Tensor keys(const Tensor& k, const Tensor&) const { return k; }

 protected:
  /// Dropout of weights [examples, heads, queries, keys] outside the fused kernel. What is dropped
  /// depends on the key, example, position and head, whatever the layout.
  KeptWeights dropped(const Tensor& weights, const PaddedPattern& padded,
                      const Context& context) const {
    if (!context.training() || drop == 0) return {weights, padded.allowed};
    Tensor numbers({{padded.examples, count, padded.queries}, DType::i64});
    Index* number = numbers.edit<Index>().data();
    const Index* rows = padded.row_numbers.values<Index>().data();
    for (Index n = 0; n < padded.examples; ++n, rows += padded.queries)
      for (Index head = 0; head < count; ++head)
        for (Index i = 0; i < padded.queries; ++i) *number++ = rows[i] * count + head;
    const Tensor all = ones(weights.shape(), weights.dtype());
    return {weights, padded.allowed,
            adjoint::dropout(all, drop, context.take_key(), reshape(numbers, {-1}))};
  }
};

// ---- Dot products ------------------------------------------------------------------------------

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
  bool rotary;         // rotate queries and keys by their positions (RoFormer): see rotary()
  bool linear_biases;  // lower the score with the distance (ALiBi): see attention()

  DotProductHeads(Index heads, Index head_width, double drop, bool bilinear, bool with_rotary,
                  bool with_linear_biases);
  void fields(Fields& visit) override { visit("score.weight", weight); }

  Tensor queries(const Tensor& q, const Tensor& positions) const;
  Tensor keys(const Tensor& k, const Tensor& positions) const {
    return rotary ? adjoint::rotary(k, positions, count) : k;
  }
  Tensor operator()(const Tensor& q, const Tensor& k, const Tensor& v, const Mask& mask,
                    const Context& context) const {
    return dot_product_attention(q, k, v, mask, count, drop, context, linear_biases);
  }
  Tensor weights(const Tensor& q, const Tensor& k, const Mask& mask) const {
    return attention_weights(q, k, mask.pattern(),
                             {.heads = count, .linear_biases = linear_biases});
  }
};

// ---- Relative positions -------------------------------------------------------------------------

/// Heads that attend within a sequence, with a learned vector for each distance j − i between query
/// and key: a^K, and a^V for values (Shaw et al. 2018, "Self-attention with relative position
/// representations", equations 3 and 4):
///
///   yᵢ = Σⱼ wᵢⱼ (vⱼ + a^V),   wᵢ = softmax over the visible j of qᵢ · (kⱼ + a^K) / √d
///
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
