// Dropout of rows, which a layout numbers.
#pragma once

#include "autograd/ops.h"
#include "nn/batch/context.h"
#include "nn/batch/layout.h"

namespace adjoint::nn {

/// Dropout with probability p in training; the identity otherwise. Which elements are dropped
/// depends on key, example, step and feature: neither packing nor sharding the batch changes it.
inline Tensor dropout(const Tensor& x, double p, const Layout& layout, const Context& context) {
  if (!context.training() || p == 0) return x;
  return adjoint::dropout(x, p, context.take_key(), layout.row_numbers());
}

}  // namespace adjoint::nn
