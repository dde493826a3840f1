// Multi-head attention as the book computes it: each head of each example becomes an example of a
// larger batch, and products of matrices do the rest. That batch can be in two orders, and what is
// known of each example (a valid length) or of each head (a slope) must follow the same one:
//
//                                         of examples          of heads
//   batch-major   b0h0 b0h1 b1h0 b1h1     repeat: b0 b0 b1 b1  tile:   h0 h1 h0 h1
//   head-major    b0h0 b1h0 b0h1 b1h1     tile:   b0 b1 b0 b1  repeat: h0 h0 h1 h1
//
// The book's bug was batch-major with tiled lengths.
#pragma once

#include "nn/layers/attention.h"

namespace adjoint::testing {

enum class HeadOrder { batch_major, head_major };

/// [batch, steps, width] to [batch · heads, steps, width / heads]: in batch-major order all heads
/// of the first example, then all heads of the second, …
Tensor transpose_qkv(const Tensor& x, Index heads, HeadOrder order = HeadOrder::batch_major);
/// Undoes it.
Tensor transpose_output(const Tensor& x, Index heads, HeadOrder order = HeadOrder::batch_major);

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
