// Reductions over the middle axis of [outer, count, inner]. Sums run in f64, also those of f32, and
// in an order that does not depend on the number of threads.
#pragma once

#include <algorithm>
#include <span>

#include "autograd/dtype.h"
#include "autograd/kernels/elementwise.h"
#include "autograd/kernels/vector_math.h"

namespace adjoint::kernels {

struct ReducedAxes {
  Index outer, count, inner;
};

/// y[o, i] = Σ_c f(x[o, c, i])
template <Real T, class F>
void sum_of(std::span<const T> x, std::span<T> y, ReducedAxes axes, F f) {
  const auto [outer, count, inner] = axes;
  if (inner == 1)
    return parallel_rows(outer, count, [&](Index o) {
      const T* const row = x.data() + o * count;
      double total = 0;
#pragma omp simd reduction(+ : total)
      for (Index c = 0; c < count; ++c) total += static_cast<double>(f(row[c]));
      y[static_cast<std::size_t>(o)] = static_cast<T>(total);
    });
  // Columns in strips whose totals fit a few registers.
  constexpr Index strip = 64;
  const Index strips = (inner + strip - 1) / strip;
  parallel_rows(outer * strips, count * strip, [&](Index piece) {
    const Index o = piece / strips, first = piece % strips * strip;
    const Index width = std::min(strip, inner - first);
    double totals[strip]{};
    for (Index c = 0; c < count; ++c) {
      const T* const row = x.data() + (o * count + c) * inner + first;
      for (Index i = 0; i < width; ++i) totals[i] += static_cast<double>(f(row[i]));
    }
    T* const result = y.data() + o * inner + first;
    for (Index i = 0; i < width; ++i) result[i] = static_cast<T>(totals[i]);
  });
}

/// visit(position in the result, first position in x) for each [o, i]. The `count` elements of x
/// lie `inner` apart.
template <class Visit>
void each_reduced(ReducedAxes axes, Visit visit) {
  if (axes.inner == 0) return;  // `outer` may be huge
  for (Index o = 0; o < axes.outer; ++o)
    for (Index i = 0; i < axes.inner; ++i)
      visit(o * axes.inner + i, o * axes.count * axes.inner + i);
}

/// The index of the first largest element along the reduced axis. NaN counts as largest.
template <Real T>
Index argmax(const T* x, Index count, Index step) {
  Index best = 0;
  for (Index c = 1; c < count; ++c) {
    const T candidate = x[c * step], champion = x[best * step];
    if (candidate > champion || (candidate != candidate && champion == champion)) best = c;
  }
  return best;
}

}  // namespace adjoint::kernels
