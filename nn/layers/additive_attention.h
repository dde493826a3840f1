// Attention by additive scores, wᵀ tanh(q + k) (Bahdanau et al. 2015, appendix A.1.2). It is
// composed of public operations and takes memory for each pair of query and key times the width.
#pragma once

#include "nn/layers/heads.h"
#include "nn/layers/linear.h"

namespace adjoint::nn {

/// One head with projections of its own: the score of a query q and a key k is
/// wᵀ tanh(W_q q + W_k k). For padded layouts: queries [batch, queries, …], keys [batch, keys, …].
struct AdditiveAttention : Module {
  Linear query, key;  // to hidden
  Linear score;       // hidden to 1
  double drop;

  AdditiveAttention(Index query_width, Index key_width, Index hidden, double p, Key random);
  void fields(Fields& visit) override { visit("query", query)("key", key)("score", score); }

  /// The weights, before dropout: [batch, queries, keys].
  Tensor weights(const Tensor& queries, const Tensor& keys, const Mask& mask) const;
  /// The same for projected keys, which a decoder computes once for all its steps;
  /// allowed is b8 [batch, queries, keys].
  Tensor weights_of_projected(const Tensor& queries, const Tensor& projected_keys,
                              const Tensor& allowed) const;
  /// [batch, queries, values' width]. The layout is that of the queries.
  Tensor operator()(const Tensor& queries, const Tensor& keys, const Tensor& values,
                    const Mask& mask, const Layout& layout, const Context& context) const;
};

/// The heads of multi-head attention with additive scores, each with its own w.
struct AdditiveHeads : Heads {
  Tensor weight;       // w [heads, d]
  bool linear_biases;  // lower the score with the distance (ALiBi)

  AdditiveHeads(Index heads, Index head_width, double drop, bool with_linear_biases, Key key);
  void fields(Fields& visit) override { visit("score.weight", weight); }

  Tensor operator()(const Tensor& q, const Tensor& k, const Tensor& v, const Mask& mask,
                    const Context& context) const;
  Tensor weights(const Tensor& q, const Tensor& k, const Mask& mask) const {
    return weights(q, k, mask.padded());
  }

 private:
  Tensor weights(const Tensor& q, const Tensor& k, const PaddedPattern& padded) const;
};

}  // namespace adjoint::nn
