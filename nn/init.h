// How weights begin. For a weight [outputs, inputs]; each is a leaf.
#pragma once

#include "autograd/ops.h"

namespace adjoint::nn {

/// Uniform in ±√(6 / (inputs + outputs)): keeps the variance of values and gradients alike. (Glorot
/// and Bengio 2010, equation 16.)
Tensor xavier_uniform(const Shape& shape, Key key, DType dtype = DType::f32);
/// Normal with deviation √(2 / inputs): keeps the variance through relu. (He et al. 2015,
/// equation 10.)
Tensor kaiming_normal(const Shape& shape, Key key, DType dtype = DType::f32);
/// Normal with the given deviation.
Tensor normal_weight(const Shape& shape, double deviation, Key key, DType dtype = DType::f32);
/// Leaves of constants: biases of zeros, gains of ones.
Tensor constant_weight(const Shape& shape, double value, DType dtype = DType::f32);

}  // namespace adjoint::nn
