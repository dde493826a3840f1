// Summary statistics of a tensor's elements.
#pragma once

#include "autograd/tensor.h"

namespace adjoint {

/// Computed in f64 over the finite elements; the counts are over all elements. If no element is
/// finite, mean, deviation, least and largest are NaN and the norm is 0. Elements of type b8 count
/// as 0 and 1.
struct Statistics {
  Index count = 0, zeros = 0, nan = 0, infinite = 0;
  double mean, deviation;  ///< deviation = √(Σ (x − mean)² / n), not divided by n − 1
  double least, largest;
  double norm = 0;  ///< √ Σ x²

  bool finite() const { return nan == 0 && infinite == 0; }
};

Statistics statistics(const Tensor& x);

}  // namespace adjoint
