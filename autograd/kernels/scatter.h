// Adds slices to the slices that indices name: the adjoint of gather, and so of embedding.
#pragma once

#include <span>
#include <type_traits>
#include <vector>

#include "autograd/kernels/elementwise.h"
#include "autograd/kernels/sums.h"

namespace adjoint::kernels {

/// Where each number from 0 to `size` − 1 stands among the indices. Negative ones are left out.
class Positions {
 public:
  Positions(std::span<const Index> indices, Index size)
      : ends_(static_cast<std::size_t>(size) + 1), order_(indices.size()) {
    for (const Index index : indices)
      if (index >= 0) ++ends_[static_cast<std::size_t>(index) + 1];
    for (std::size_t i = 1; i < ends_.size(); ++i) ends_[i] += ends_[i - 1];
    // ends_[i] is the beginning of i's positions now, and moves to their end.
    for (std::size_t p = 0; p < indices.size(); ++p)
      if (indices[p] >= 0)
        order_[static_cast<std::size_t>(ends_[static_cast<std::size_t>(indices[p])]++)] =
            static_cast<Index>(p);
  }
  /// In ascending order.
  std::span<const Index> of(Index index) const {
    const auto i = static_cast<std::size_t>(index);
    const Index begin = i == 0 ? 0 : ends_[i - 1];
    return {order_.data() + begin, static_cast<std::size_t>(ends_[i] - begin)};
  }

 private:
  std::vector<Index> ends_, order_;
};

/// y[o, j, :] = Σ x[o, k, :] over all k with indices[k] = j. y is [outer, size, inner].
template <Scalar T>
void scatter_add(const T* x, std::span<const Index> indices, T* y, Index outer, Index size,
                 Index inner) {
  using Sum = std::conditional_t<Real<T>, double, Index>;
  const Index count = std::ssize(indices), each = 1 + count / std::max<Index>(1, size);
  const Positions positions(indices, size);
  parallel_rows(outer * size, inner * each, [&](Index row) {
    const std::span<const Index> chosen = positions.of(row % size);
    for (Index first = 0; first < inner; first += strip) {
      const Index width = std::min(strip, inner - first);
      const T* const column = x + row / size * count * inner + first;
      const auto sums =
          sum_of_rows<Sum>(std::ssize(chosen), width,
                           [=, k = chosen.data()](Index i) { return column + k[i] * inner; });
      T* const to = y + row * inner + first;
      for (Index i = 0; i < width; ++i) to[i] = static_cast<T>(sums[static_cast<std::size_t>(i)]);
    }
  });
}

}  // namespace adjoint::kernels
