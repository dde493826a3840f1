// Multi-head attention. Queries are […, width], keys and values […, memory width]; a mask says
// which rows belong together and who may attend to whom.
#pragma once

#include <variant>

#include "nn/layers/additive_attention.h"
#include "nn/layers/heads.h"
#include "nn/layers/positional_encoding.h"

namespace adjoint::nn {

/// How a head scores a query q and a key k, both projected and d wide.
enum class Score {
  dot_product,  ///< q·k / √d (Vaswani et al. 2017)
  bilinear,     ///< qᵀ W k / √d (Luong et al. 2015)
  additive,     ///< wᵀ tanh(q + k) (Bahdanau et al. 2015)
};

/// Whether heads with this score can work with these positions: rotary positions rotate factors
/// of a product, and relative positions are defined for dot products.
inline bool compatible(Score score, Positions positions) {
  if (positions == Positions::rotary) return score != Score::additive;
  return positions != Positions::relative || score == Score::dot_product;
}

/// What the heads of an attention layer have in common.
struct HeadOptions {
  Bias bias = Bias::no;                   ///< of the four projections
  Positions positions = Positions::none;  ///< rotary, linear_biases and relative act here
  Index max_distance = 16;                ///< of relative positions
  bool relative_values = true;            ///< relative positions: vectors for values too
  Score score = Score::dot_product;
  Index memory_width = 0;  ///< width of the rows that give keys and values; 0: the queries'
};

/// Several heads side by side: each attends within its part of the projected width, and one more
/// projection combines their results (Vaswani et al. 2017, section 3.2.2).
struct MultiHeadAttention : Module {
  Linear query, key, value, output;  // to width
  std::variant<DotProductHeads, RelativeHeads, AdditiveHeads> heads;
  std::vector<Index> pruned;  // heads that are switched off

  /// Error when the heads do not divide the width, and for an incompatible score and positions.
  MultiHeadAttention(Index width, Index head_count, double drop, Key random,
                     const HeadOptions& options = {});
  void fields(Fields& visit) override {
    visit("query", query)("key", key)("value", value)("output", output);
    std::visit([&](Module& module) { module.fields(visit); }, heads);
  }

  Index head_count() const {
    return std::visit([](const Heads& h) { return h.count; }, heads);
  }

  Tensor operator()(const Tensor& queries, const Tensor& memory, const Tensor& values,
                    const Mask& mask, const Context& context) const;
  /// Keys as attend() takes them and as a cache holds them: projected and, with rotary positions,
  /// rotated by the position of each row, i64 [rows].
  Tensor keys(const Tensor& x, const Tensor& positions_of_rows) const {
    return std::visit([&](const auto& h) { return h.keys(key(x), positions_of_rows); }, heads);
  }
  /// The whole layer, for keys from keys() and values from value().
  Tensor attend(const Tensor& queries, const Tensor& projected_keys, const Tensor& projected_values,
                const Mask& mask, const Context& context) const;
  /// The attention weights, before dropout: [batch, heads, queries, keys]; zeros for pruned heads.
  Tensor weights(const Tensor& queries, const Tensor& memory, const Mask& mask) const;

  /// Switches heads off (Michel, Levy and Neubig 2019, equation 2): their results no longer count,
  /// as if the layer had been made without them. Error when there is no such head.
  void prune(const std::vector<Index>& heads_off);

 private:
  Tensor without_pruned(const Tensor& weights) const;
  Tensor kept() const;
};

}  // namespace adjoint::nn
