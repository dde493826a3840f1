// Multi-head attention of every kind as the book computes it: heads as examples of a larger batch.
// What is known of each example (a mask) or of each head (a slope) must follow the order of the
// heads:
//
//                                         of examples          of heads
//   batch-major   b0h0 b0h1 b1h0 b1h1     repeat: b0 b0 b1 b1  tile:   h0 h1 h0 h1
//   head-major    b0h0 b1h0 b0h1 b1h1     tile:   b0 b1 b0 b1  repeat: h0 h0 h1 h1
//
// book_encoder.h has what these tests share with the experiments, mistakes included.
#pragma once

#include "examples/experiments/questions/book_encoder.h"

namespace adjoint::testing {

using experiments::HeadOrder, experiments::transpose_qkv, experiments::transpose_output;

/// One value per example, [batch, …], for each head of each example: [batch · heads, …].
Tensor for_each_head(const Tensor& of_examples, Index heads, HeadOrder order);
/// One value per head, [heads, …], for each head of each example: [batch · heads, …].
Tensor for_each_example(const Tensor& of_heads, Index batch, HeadOrder order);
/// Valid lengths for the batch-major order: each example's length, once for each of its heads (1 2
/// to 1 1 2 2: repeat, not tile). [batch] or [batch, queries].
inline Tensor repeat_for_heads(const Tensor& lengths, Index heads) {
  return for_each_head(lengths, heads, HeadOrder::batch_major);
}

/// Dropout of weights [batch · heads, queries, keys], the same in either order and any layout.
Tensor dropped(const Tensor& weights, const PaddedPattern& padded, Index heads, HeadOrder order,
               double p, const nn::Context& context);

/// What the layer computes, with its heads as examples in this order. For all but relative
/// positions.
Tensor attend(const nn::MultiHeadAttention& layer, const Tensor& queries, const Tensor& memory,
              const nn::Mask& mask, HeadOrder order, const nn::Context& context);

}  // namespace adjoint::testing
