// Adds slices to the slices that indices name: the adjoint of gather, and so of embedding.
#pragma once

#include <algorithm>
#include <map>
#include <span>
#include <vector>

#include "autograd/kernels/sums.h"

namespace adjoint::kernels {

/// Rows of `width` elements, to which others are added one after the other. After every
/// `longest_chain` additions to a row its sum moves on to a compensated one in f64, so that the
/// error does not grow with the number of additions (sums.h). Few rows reach that number, and only
/// those take the extra memory.
template <Scalar T>
class RowAdder {
 public:
  RowAdder(T* rows, Index count, Index width)
      : rows_(rows), width_(width), added_(static_cast<std::size_t>(count)) {
    std::fill_n(rows, count * width, T{});
  }

  void add(Index row, const T* x) {
    T* const sum = rows_ + row * width_;
    for (Index i = 0; i < width_; ++i) sum[i] = static_cast<T>(sum[i] + x[i]);
    if constexpr (Real<T>)
      if (++added_[static_cast<std::size_t>(row)] % longest_chain == 0) move_on(row);
  }
  void finish() {
    for (const auto& [row, wide] : wide_)
      for (Index i = 0; i < width_; ++i) {
        T& sum = rows_[row * width_ + i];
        sum = static_cast<T>(wide[static_cast<std::size_t>(i)].sum + static_cast<double>(sum));
      }
  }

 private:
  // Subtracts from the next term what rounding added to the sum. (Kahan, "Further remarks on
  // reducing truncation errors", 1965.)
  struct Compensated {
    double sum = 0, excess = 0;
    void add(double x) {
      const double term = x - excess, next = sum + term;
      excess = (next - sum) - term;
      sum = next;
    }
  };

  void move_on(Index row) {
    std::vector<Compensated>& wide = wide_[row];
    wide.resize(static_cast<std::size_t>(width_));
    T* const sum = rows_ + row * width_;
    for (Index i = 0; i < width_; ++i) {
      wide[static_cast<std::size_t>(i)].add(static_cast<double>(sum[i]));
      sum[i] = 0;
    }
  }

  T* rows_;
  Index width_;
  std::vector<Index> added_;
  std::map<Index, std::vector<Compensated>> wide_;
};

/// y[o, j, :] = Σ x[o, k, :] over all k with indices[k] = j. Negative indices are left out. y is
/// [outer, size, inner].
template <Scalar T>
void scatter_add(const T* x, std::span<const Index> indices, T* y, Index outer, Index size,
                 Index inner) {
  if (inner == 0) return;  // there may be very many empty slices
  for (Index o = 0; o < outer; ++o) {
    RowAdder<T> adder(y + o * size * inner, size, inner);
    for (const Index index : indices) {
      if (index >= 0) adder.add(index, x);
      x += inner;
    }
    adder.finish();
  }
}

}  // namespace adjoint::kernels
