// What the operations over the last axis share. They see a tensor [..., width] as rows.
#pragma once

#include <cmath>

#include "autograd/kernels/dropout.h"
#include "autograd/kernels/elementwise.h"
#include "autograd/tensor.h"

namespace adjoint {

/// The number of rows of a tensor [..., width].
inline Index row_count(const Shape& x) { return x.numel(0, x.rank() - 1); }

inline void require_last_axis(const char* name, const Shape& x) {
  require(x.rank() >= 1, name, ": x must have at least one axis, is ", x);
}
/// For normalisations, which divide by the width.
inline void require_features(const char* name, const Shape& x) {
  require(x.rank() >= 1 && x[-1] > 0, name, ": x must have a last axis with elements, is ", x);
}
/// For normalisations. Refuses an epsilon that rounds to 0 in x's type: a constant row would be
/// divided by 0, which the caller meant to prevent.
inline void require_epsilon(const char* name, double epsilon, DType dtype) {
  require(std::isfinite(epsilon) && epsilon >= 0, name,
          ": epsilon must be at least 0 and finite, is ", epsilon);
  require(epsilon == 0 || dtype != DType::f32 || static_cast<float>(epsilon) > 0, name,
          ": epsilon ", epsilon, " is 0 when rounded to f32, the type of x");
}
/// Error unless `numbers`, which the message calls by `what`, has one element for each row of x.
inline void require_row_numbers(const char* name, const char* what, const Tensor& numbers,
                                const Shape& x) {
  const Index count = row_count(x);
  require(numbers.defined() && numbers.dtype() == DType::i64 && numbers.numel() == count, name,
          ": ", what, " must be i64, one for each of the ", count, " rows of x ", x);
}

/// Calls f(position of the row's first element, width) for each row of x, spread over threads. Rows
/// without elements are skipped.
template <class F>
void each_row(const Shape& x, F f) {
  const Index width = x[-1];
  if (width == 0) return;  // there may be very many empty rows
  kernels::parallel_rows(row_count(x), width, [&](Index row) { f(row * width, width); });
}
/// f(begin, end) for consecutive rows [begin, end) of x, spread over threads.
template <class F>
void each_piece_of_rows(const Shape& x, F f) {
  const Index width = std::max<Index>(1, x[-1]);
  parallel_for(row_count(x), std::max<Index>(1, kernels::elementwise_grain / width), f);
}

/// How dropout() and add_norm() choose the elements that they drop.
struct RowDropout {
  double p;
  Key key;
  Tensor rows;  // i64: the number of each row. If not defined, rows are numbered in order.

  void check(const char* name, const Shape& x) const {
    require(p >= 0 && p < 1, name, ": the probability of dropout must lie in [0, 1), is ", p);
    if (rows.defined()) require_row_numbers(name, "row numbers", rows, x);
  }
  /// y = x / (1 − p) where an element is kept, else 0, for the rows [begin, end). x and y point to
  /// the first of these, and may be equal.
  template <Real T>
  void apply(const T* x, T* y, Index begin, Index end, Index width) const {
    const Index* const numbers = rows.defined() ? rows.values<Index>().data() : nullptr;
    kernels::DropoutMask<T>(p, key.value()).apply(x, y, end - begin, width, [&](Index i) {
      return static_cast<std::uint64_t>(numbers ? numbers[begin + i] : begin + i);
    });
  }
};

}  // namespace adjoint
