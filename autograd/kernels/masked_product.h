// Products in which some pairs take no part. A plain product multiplies a weight of 0 by whatever
// stands there, and 0 · NaN is NaN. So where an operand is not finite, callers take the slow loop.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "autograd/kernels/matmul.h"

namespace adjoint::kernels {

/// False if an element is NaN or infinite.
template <Real T>
bool all_finite(std::span<const T> values) {
  int found = 0;
#pragma omp simd reduction(| : found)
  for (std::size_t i = 0; i < values.size(); ++i)
    found |= !(std::abs(values[i]) <= std::numeric_limits<T>::max());  // true for NaN
  return found == 0;
}

/// The product of the pairs (i, k), row i of A and row k of B, for which takes_part(i, k). Others
/// count as zeros, whatever their elements are.
template <Real T, class TakesPart>
void multiply_pairs(const Product<T>& p, const TakesPart& takes_part) {
  for (Index i = 0; i < p.rows; ++i) {
    T* const c = p.c + i * p.stride;
    if (!p.add) std::fill_n(c, p.columns, T{0});
    for (Index k = 0; k < p.inner; ++k) {
      if (!takes_part(i, k)) continue;
      const T weight = p.scale * *p.a.from(i, k).data;
      for (Index j = 0; j < p.columns; ++j) c[j] += weight * *p.b.from(k, j).data;
    }
  }
}

}  // namespace adjoint::kernels
