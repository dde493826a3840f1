// Reductions of the middle axis of [outer, count, inner]. Sums of f32 run in f64, so that long ones
// lose nothing; in that order they are the same on any number of threads.
#pragma once

#include <algorithm>
#include <array>
#include <limits>
#include <span>

#include "autograd/dtype.h"
#include "autograd/kernels/vector_math.h"
#include "autograd/support/threads.h"

namespace adjoint::kernels {

struct ReducedAxes {
  Index outer, count, inner;
};

constexpr Index reduction_grain = 32768;  // elements read by one piece of work

/// y[o, i] = Σ_c f(x[o, c, i])
template <Real T, class F>
void sum_of(std::span<const T> x, std::span<T> y, ReducedAxes axes, F f) {
  const auto [outer, count, inner] = axes;
  if (inner == 1) {
    parallel_for(outer, std::max<Index>(1, reduction_grain / std::max<Index>(1, count)),
                 [&](Index begin, Index end) {
                   for (Index o = begin; o < end; ++o) {
                     const T* row = x.data() + o * count;
                     double total = 0;
#pragma omp simd reduction(+ : total)
                     for (Index c = 0; c < count; ++c) total += static_cast<double>(f(row[c]));
                     y[static_cast<std::size_t>(o)] = static_cast<T>(total);
                   }
                 });
    return;
  }
  // Columns in strips that fit a few registers, each strip running down its rows.
  constexpr Index strip = 64;
  const Index strips = (inner + strip - 1) / strip;
  parallel_for(outer * strips,
               std::max<Index>(1, reduction_grain / std::max<Index>(1, count * strip)),
               [&](Index begin, Index end) {
                 for (Index piece = begin; piece < end; ++piece) {
                   const Index o = piece / strips, first = piece % strips * strip;
                   const Index width = std::min(strip, inner - first);
                   std::array<double, strip> totals{};
                   for (Index c = 0; c < count; ++c) {
                     const T* row = x.data() + (o * count + c) * inner + first;
                     for (Index i = 0; i < width; ++i)
                       totals[static_cast<std::size_t>(i)] += static_cast<double>(f(row[i]));
                   }
                   for (Index i = 0; i < width; ++i)
                     y[static_cast<std::size_t>(o * inner + first + i)] =
                         static_cast<T>(totals[static_cast<std::size_t>(i)]);
                 }
               });
}

/// For each [o, i] calls visit(position of the result, first position in x); elements of x follow
/// at distance `inner`.
template <class Visit>
void each_reduced(ReducedAxes axes, Visit visit) {
  for (Index o = 0; o < axes.outer; ++o)
    for (Index i = 0; i < axes.inner; ++i)
      visit(o * axes.inner + i, o * axes.count * axes.inner + i);
}

/// The position, along the reduced axis, of the first largest element; NaN counts as largest.
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
