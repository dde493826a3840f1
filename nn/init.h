// Initial weights. Each is a leaf.
#pragma once

#include <cmath>

#include "autograd/ops.h"

namespace adjoint::nn {

/// Uniform in ±√(6 / (inputs + outputs)), for a weight [outputs, inputs]: keeps the variance of
/// values and of gradients about equal from layer to layer. (Glorot and Bengio 2010, equation 16.)
inline Tensor xavier_uniform(const Shape& shape, Key key, DType dtype = DType::f32) {
  require(shape.rank() == 2 && shape.numel() > 0,
          "xavier_uniform: needs a weight [outputs, inputs], got ", shape);
  const double bound = std::sqrt(6.0 / static_cast<double>(shape[0] + shape[1]));
  return variable(uniform(shape, -bound, bound, key, dtype));
}

/// Normal with mean 0 and this standard deviation.
inline Tensor normal_weight(const Shape& shape, double deviation, Key key,
                            DType dtype = DType::f32) {
  return variable(normal(shape, 0, deviation, key, dtype));
}

/// One value everywhere: biases of zeros, gains of ones.
inline Tensor constant_weight(const Shape& shape, double value, DType dtype = DType::f32) {
  return variable(full(shape, value, dtype));
}

}  // namespace adjoint::nn
