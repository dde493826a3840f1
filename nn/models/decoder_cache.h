// What the decoder of a Transformer keeps while it decodes step by step.
#pragma once

#include <span>

#include "autograd/tensor.h"

namespace adjoint::nn {

/// The cache of one decoder block. Written outside of recording.
struct BlockCache {
  Tensor keys, values;  // [batch, capacity, decoder's width], filled up to the current step
  Tensor memory_keys, memory_values;  // […, decoder's width], of the encoder's result
  Tensor recent = {};                 // the last inputs of a convolutional encoding

  /// Stores the keys and values of this step, [batch, 1, width].
  void write(const Tensor& step_keys, const Tensor& step_values, Index step);
  /// Continues with these rows of the batch, `steps` of which are filled.
  void select(std::span<const Index> rows, Index steps);
};

}  // namespace adjoint::nn
