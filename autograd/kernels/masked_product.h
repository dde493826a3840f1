// Products that skip some pairs. A plain product multiplies a weight of 0 by whatever the other
// operand holds, and 0 · NaN is NaN. So callers take this slow loop where an operand is not finite.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>

#include "autograd/kernels/matmul.h"

namespace adjoint::kernels {

/// False if an element is NaN or infinite. Compared as integers, the bits of |x| have the order of
/// |x|, with infinity and then NaN above all finite numbers.
template <Real T>
bool all_finite(std::span<const T> values) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
  Bits most = 0;
#pragma omp simd reduction(max : most)
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Bits size = std::bit_cast<Bits>(values[i]) & std::numeric_limits<Bits>::max();
    most = size > most ? size : most;
  }
  return most < std::bit_cast<Bits>(std::numeric_limits<T>::infinity());
}

/// The product with only the terms A[i, k] · B[k, :] for which takes_part(i, k). The other terms
/// count as 0, whatever their factors are.
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
