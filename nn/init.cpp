#include "nn/init.h"

#include <cmath>

namespace adjoint::nn {
namespace {

void require_matrix(const char* function, const Shape& shape) {
  require(shape.rank() == 2 && shape.numel() > 0, function,
          ": needs a weight [outputs, inputs], got ", shape);
}

}  // namespace

Tensor xavier_uniform(const Shape& shape, Key key, DType dtype) {
  require_matrix("xavier_uniform", shape);
  const double bound = std::sqrt(6.0 / static_cast<double>(shape[0] + shape[1]));
  return variable(uniform(shape, -bound, bound, key, dtype));
}

Tensor kaiming_normal(const Shape& shape, Key key, DType dtype) {
  require_matrix("kaiming_normal", shape);
  return normal_weight(shape, std::sqrt(2.0 / static_cast<double>(shape[1])), key, dtype);
}

Tensor normal_weight(const Shape& shape, double deviation, Key key, DType dtype) {
  return variable(normal(shape, 0, deviation, key, dtype));
}

Tensor constant_weight(const Shape& shape, double value, DType dtype) {
  return variable(full(shape, value, dtype));
}

}  // namespace adjoint::nn
