// Attention layers. Shapes: query […, width], key and value […, width]; a mask says which rows
// belong together and who may attend to whom.
#pragma once

#include "nn/batch/context.h"
#include "nn/batch/mask.h"
#include "nn/layers/heads_as_examples.h"
#include "nn/layers/linear.h"
#include "nn/layers/positional_encoding.h"
#include "nn/layers/relative_attention.h"

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

/// How the score of a query q and a key k of one head, both projected, comes about.
enum class Score {
  dot_product,  ///< q·k / √d (Vaswani et al. 2017)
  bilinear,  ///< qᵀ W k / √d, W being the head's own: "general" of Luong et al. 2015, equation 8.
             ///< W begins as the identity, which makes it the dot product. (The projections could
             ///< learn W as well: it is there to be compared.)
  additive,  ///< wᵀ tanh(q + k), w being the head's own (Bahdanau et al. 2015)
};

/// Where heads are while attention is computed. The results are the same but for rounding, those of
/// the last two to the last bit.
enum class HeadLayout {
  side_by_side,  ///< in the width, where the projections leave them: nothing is moved, one kernel
  batch_major,   ///< examples of a larger batch, all heads of an example together
  head_major,    ///< the same, all examples of a head together; see heads_as_examples.h
};

/// What attention with several heads may be besides its width.
struct HeadOptions {
  Bias bias = Bias::no;  ///< of the four projections
  Positions positions = Positions::none;
  PositionOptions position_options = {};  ///< of relative positions
  Score score = Score::dot_product;
  HeadLayout layout = HeadLayout::side_by_side;  ///< additive scores: as examples in any case
  Index memory_width = 0;  ///< of what keys and values are made from; 0: as the queries'
};

/// Several heads side by side: each attends in a part of the projected width, and their results are
/// projected once more (Vaswani et al. 2017, section 3.2.2).
struct MultiHeadAttention : Module {
  Linear query, key, value, output;  // to width; key and value from the memory's
  Tensor score_weight;  // W [heads, d, d] of bilinear scores, w [heads, d] of additive ones
  Index heads;
  double drop;
  Positions positions;  // what it does itself to know the distance of query and key
  std::optional<RelativePositions> relative;
  Score score;
  HeadLayout layout;
  std::vector<Index> pruned;  // heads that are switched off

  /// Error when the heads do not divide the width, or with rotary positions not into even parts,
  /// and for rotary or relative positions with scores or layouts that do not go with them.
  MultiHeadAttention(Index width, Index heads, double drop, Key random,
                     const HeadOptions& options = {});
  void fields(Fields& visit) override {
    visit("query", query)("key", key)("value", value)("output", output)("relative", relative)(
        "score.weight", score_weight);
  }

  Tensor operator()(const Tensor& queries, const Tensor& memory, const Tensor& values,
                    const Mask& mask, const Context& context) const;
  /// Keys as attend() takes them and as a cache holds them: projected and, with rotary positions,
  /// turned by the position of each row, i64 [rows].
  Tensor keys(const Tensor& x, const Tensor& positions_of_rows) const;
  /// The same as a whole when keys and values have been projected before. A context that watches
  /// gets the weights.
  Tensor attend(const Tensor& queries, const Tensor& projected_keys, const Tensor& projected_values,
                const Mask& mask, const Context& context) const;
  /// The attention weights, before dropout: [batch, heads, queries, keys], zeros for pruned heads.
  /// Computed only when asked for.
  Tensor weights(const Tensor& queries, const Tensor& memory, const Mask& mask) const;

  /// Switches heads off (Michel, Levy and Neubig 2019, equation 2): what they attend to no longer
  /// counts, as if the model had been made without them. Error when there is no such head.
  void prune(const std::vector<Index>& heads_off);

 private:
  Tensor placed(const Tensor& projected, const Tensor& positions_of_rows) const;
  Tensor queries_of(const Tensor& x, const Mask& mask) const;
  Tensor weights_of(const Tensor& q, const Tensor& k, const Mask& mask) const;
  Tensor weights_of(const Tensor& q, const Tensor& k, const HeadsAsExamples& examples) const;
  Tensor heads_results(const Tensor& q, const Tensor& k, const Tensor& v, const Mask& mask,
                       const Context& context) const;
  bool as_examples() const {
    return layout != HeadLayout::side_by_side || score == Score::additive;
  }
  HeadOrder order() const {
    return layout == HeadLayout::head_major ? HeadOrder::head_major : HeadOrder::batch_major;
  }
  Tensor kept(DType dtype) const;
};

}  // namespace adjoint::nn
