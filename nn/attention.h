// Attention layers. Shapes: query […, width], key and value […, width]; a mask says which rows
// belong together and who may attend to whom.
#pragma once

#include "nn/context.h"
#include "nn/linear.h"
#include "nn/mask.h"

namespace adjoint::nn {

/// softmax(Q Kᵀ/√d) V without weights of its own; `drop` applies to the attention weights.
Tensor dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                             const Mask& mask, Index heads, double drop, const Context& context);

/// wᵥᵀ tanh(W_q q + W_k k) as the score of query q and key k (Bahdanau et al. 2015, appendix
/// A.1.2). For padded layouts: query [batch, queries, …], key [batch, keys, …].
struct AdditiveAttention : Module {
  Linear query, key;  // to hidden
  Linear score;       // hidden to 1
  double drop;

  AdditiveAttention(Index query_width, Index key_width, Index hidden, double p, Key random);
  void fields(Fields& visit) override { visit("query", query)("key", key)("score", score); }

  /// The weights, before dropout: [batch, queries, keys].
  Tensor weights(const Tensor& queries, const Tensor& keys, const Mask& mask) const;
  Tensor operator()(const Tensor& queries, const Tensor& keys, const Tensor& values,
                    const Mask& mask, const Layout& layout, const Context& context) const;
};

/// Several heads side by side: each attends in a part of the projected width, and their results are
/// projected once more (Vaswani et al. 2017, section 3.2.2).
struct MultiHeadAttention : Module {
  Linear query, key, value, output;  // width to width
  Index heads;
  double drop;

  /// Error when the heads do not divide the width.
  MultiHeadAttention(Index width, Index heads, double drop, Key random, Bias bias = Bias::no);
  void fields(Fields& visit) override {
    visit("query", query)("key", key)("value", value)("output", output);
  }

  Tensor operator()(const Tensor& queries, const Tensor& keys, const Tensor& values,
                    const Mask& mask, const Context& context) const;
  /// The same when keys and values have been projected before, as a cache holds them.
  Tensor attend(const Tensor& queries, const Tensor& projected_keys, const Tensor& projected_values,
                const Mask& mask, const Context& context) const;
  /// The attention weights: [batch, heads, queries, keys]. Computed only when asked for.
  Tensor weights(const Tensor& queries, const Tensor& keys, const Mask& mask) const;
};

// The book's way to several heads: make them examples of a larger batch, batch-major and
// head-minor. The layers above do the same without moving anything; these say what it is that they
// do.

/// [batch, steps, width] to [batch · heads, steps, width / heads]: all heads of the first example,
/// then all heads of the second, …
Tensor transpose_qkv(const Tensor& x, Index heads);
/// Undoes it.
Tensor transpose_output(const Tensor& x, Index heads);
/// Valid lengths for that batch: each example's, once for each of its heads, in the same order (1 2
/// to 1 1 2 2: repeat, not tile). [batch] or [batch, queries].
Tensor repeat_for_heads(const Tensor& lengths, Index heads);

}  // namespace adjoint::nn
