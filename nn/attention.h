// Attention layers. Shapes: query […, width], key and value […, width]; a mask says which rows
// belong together and who may attend to whom.
#pragma once

#include "nn/context.h"
#include "nn/linear.h"
#include "nn/mask.h"
#include "nn/positional_encoding.h"
#include "nn/relative_attention.h"

namespace adjoint::nn {

/// softmax(Q Kᵀ/√d) V without weights of its own; `drop` applies to the attention weights. Of the
/// kinds of positions, linear_biases belongs here; the others change nothing.
Tensor dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                             const Mask& mask, Index heads, double drop, const Context& context,
                             Positions positions = Positions::none);

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
  /// The same when keys have been projected before, as a decoder does once for all its steps;
  /// allowed b8 [batch, queries, keys].
  Tensor weights_of_projected(const Tensor& queries, const Tensor& projected_keys,
                              const Tensor& allowed) const;
  Tensor operator()(const Tensor& queries, const Tensor& keys, const Tensor& values,
                    const Mask& mask, const Layout& layout, const Context& context) const;
};

/// Several heads side by side: each attends in a part of the projected width, and their results are
/// projected once more (Vaswani et al. 2017, section 3.2.2).
struct MultiHeadAttention : Module {
  Linear query, key, value, output;  // width to width
  Index heads;
  double drop;
  Positions positions;  // what it does itself to know the distance of query and key
  std::optional<RelativePositions> relative;

  /// Error when the heads do not divide the width, or with rotary positions not into even parts.
  MultiHeadAttention(Index width, Index heads, double drop, Key random, Bias bias = Bias::no,
                     Positions positions = Positions::none,
                     const PositionOptions& position_options = {});
  void fields(Fields& visit) override {
    visit("query", query)("key", key)("value", value)("output", output)("relative", relative);
  }

  Tensor operator()(const Tensor& queries, const Tensor& memory, const Tensor& values,
                    const Mask& mask, const Context& context) const;
  /// Keys as attend() takes them and as a cache holds them: projected and, with rotary positions,
  /// turned by the position of each row, i64 [rows].
  Tensor keys(const Tensor& x, const Tensor& positions_of_rows) const;
  /// The same as a whole when keys and values have been projected before.
  Tensor attend(const Tensor& queries, const Tensor& projected_keys, const Tensor& projected_values,
                const Mask& mask, const Context& context) const;
  /// The attention weights: [batch, heads, queries, keys]. Computed only when asked for.
  Tensor weights(const Tensor& queries, const Tensor& memory, const Mask& mask) const;

 private:
  Tensor placed(const Tensor& projected, const Tensor& positions_of_rows) const;
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
