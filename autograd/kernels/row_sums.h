// Sums over the rows of a tensor, such as the gradients of gains and biases.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "autograd/dtype.h"
#include "autograd/kernels/elementwise.h"
#include "autograd/support/threads.h"

namespace adjoint::kernels {

/// f(begin, end, sums) adds the contributions of these rows to N sums of `width` elements each.
/// Fixed pieces are summed first, then the pieces in order: the same bits on any number of threads.
template <Real T, std::size_t N, class F>
void sum_over_rows(Index rows, Index width, const std::array<T*, N>& totals, F f) {
  const Index grain = std::max<Index>(16, elementwise_grain / width);
  const Index pieces = (rows + grain - 1) / grain;
  constexpr auto count = static_cast<Index>(N);
  std::vector<T> partial(static_cast<std::size_t>(pieces * count * width), T{0});
  const auto sums_of = [&](Index piece) {  // partial is [pieces, N, width]
    std::array<T*, N> sums;
    for (std::size_t n = 0; n < N; ++n)
      sums[n] = partial.data() + (piece * count + static_cast<Index>(n)) * width;
    return sums;
  };
  parallel_for(rows, grain, [&](Index begin, Index end) { f(begin, end, sums_of(begin / grain)); });
  for (T* const total : totals) std::fill_n(total, width, T{0});
  for (Index piece = 0; piece < pieces; ++piece) {
    const std::array<T*, N> sums = sums_of(piece);
    for (std::size_t n = 0; n < N; ++n)
      for (Index i = 0; i < width; ++i) totals[n][i] += sums[n][i];
  }
}

}  // namespace adjoint::kernels
