// Sums over the rows of a tensor, such as the gradients of gains and biases.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "autograd/dtype.h"
#include "autograd/kernels/elementwise.h"
#include "autograd/kernels/sums.h"
#include "autograd/support/threads.h"

namespace adjoint::kernels {

/// f(begin, end, sums) adds the contributions of these rows to N sums of `width` elements each.
/// Rows are summed in blocks, then the blocks in pairs (sums.h), which gives the same bits on any
/// number of threads.
template <Real T, std::size_t N, class F>
void sum_over_rows(Index rows, Index width, const std::array<T*, N>& totals, F f) {
  constexpr Index block = longest_chain;
  constexpr auto count = static_cast<Index>(N);
  const Index blocks = std::max<Index>(1, (rows + block - 1) / block), size = count * width;
  std::vector<T> partial(static_cast<std::size_t>(blocks * size), T{0});  // [blocks, N, width]

  const Index grain = std::max<Index>(1, elementwise_grain / (block * width));
  parallel_for(blocks, grain, [&](Index first, Index last) {
    for (Index i = first; i < last; ++i) {
      std::array<T*, N> sums;
      for (std::size_t n = 0; n < N; ++n)
        sums[n] = partial.data() + i * size + static_cast<Index>(n) * width;
      f(i * block, std::min(rows, (i + 1) * block), sums);
    }
  });
  for (Index step = 1; step < blocks; step *= 2)
    for (Index i = 0; i + step < blocks; i += 2 * step) {
      T* const sum = partial.data() + i * size;
      const T* const term = sum + step * size;
      for (Index j = 0; j < size; ++j) sum[j] += term[j];
    }
  for (std::size_t n = 0; n < N; ++n)
    std::copy_n(partial.data() + static_cast<Index>(n) * width, width, totals[n]);
}

}  // namespace adjoint::kernels
