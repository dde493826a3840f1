// What the kinds of attention heads have in common.
#pragma once

#include "nn/batch/context.h"
#include "nn/batch/mask.h"
#include "nn/module.h"

namespace adjoint::nn {

/// The heads of a multi-head attention layer, between its projections. Each kind is a module with
/// these calls, where q, k and v […, width] hold the heads side by side and have been projected:
///
///   queries(q, positions), keys(k, positions)  prepare them, given the position of each row, i64
///                                              [rows]; a cache holds prepared keys
///   operator()(q, k, v, mask, context)         what each head finds, side by side: […, width]
///   weights(q, k, mask)                        the attention weights, before dropout: [examples,
///                                              heads, most queries, most keys]
struct Heads : Module {
  Index count;
  double drop;  // of the attention weights

  Heads(Index heads, double p) : count(heads), drop(p) {}

  Tensor queries(const Tensor& q, const Tensor&) const { return q; }
  Tensor keys(const Tensor& k, const Tensor&) const { return k; }

 protected:
  /// Dropout of weights [examples, heads, queries, keys] that no kernel computes. An element's fate
  /// depends on the key and on its example, position and head, whatever the layout.
  Tensor dropped(const Tensor& weights, const PaddedPattern& padded, const Context& context) const {
    if (!context.training() || drop == 0) return weights;
    Tensor numbers({{padded.examples, count, padded.queries}, DType::i64});
    Index* number = numbers.edit<Index>().data();
    const Index* rows = padded.row_numbers.values<Index>().data();
    for (Index n = 0; n < padded.examples; ++n, rows += padded.queries)
      for (Index head = 0; head < count; ++head)
        for (Index i = 0; i < padded.queries; ++i) *number++ = rows[i] * count + head;
    return adjoint::dropout(weights, drop, context.take_key(), reshape(numbers, {-1}));
  }
};

}  // namespace adjoint::nn
