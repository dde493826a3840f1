// A tensor's elements in a few numbers.
#pragma once

#include "autograd/tensor.h"

namespace adjoint {

/// Of the finite elements, in f64; `count` is that of all. Where there is no finite one, mean and
/// deviation, least and largest are NaN and the norm is 0. Elements of type b8 are 0 and 1.
struct Statistics {
  Index count = 0, nan = 0, infinite = 0;
  double mean, deviation;  ///< √ of the mean of (x − mean)²: divided by n, not by n − 1
  double least, largest;
  double norm = 0;  ///< √ Σ x²

  bool finite() const { return nan == 0 && infinite == 0; }
};

Statistics statistics(const Tensor& x);

}  // namespace adjoint
