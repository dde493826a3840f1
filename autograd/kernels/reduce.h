// Reductions over the middle axis of [outer, count, inner]. Sums of f32 and of f64 are taken in
// f64, in blocks (sums.h), in an order that does not depend on the number of threads.
#pragma once

#include <algorithm>
#include <cstring>
#include <span>

#include "autograd/dtype.h"
#include "autograd/kernels/elementwise.h"
#include "autograd/kernels/sums.h"
#include "autograd/kernels/vector_math.h"

namespace adjoint::kernels {

struct ReducedAxes {
  Index outer, count, inner;
};

/// Loads a register of f64 from numbers of either type.
inline Register<double> load_wide(const double* x) { return load(x); }
inline Register<double> load_wide(const float* x) {
  RegisterTypes<float>::half narrow;
  std::memcpy(&narrow, x, sizeof narrow);
  return __builtin_convertvector(narrow, Register<double>);
}

/// Σ x in f64.
template <Real T>
double wide_total(const T* x, Index count) {
  return sum_of_blocks(count, sum_block<double>, [=](Index begin, Index end) {
    Register<double> sums{};
    Index i = begin;
    for (; i + lanes<double> <= end; i += lanes<double>) sums += load_wide(x + i);
    double total = total_of<double>(sums);
    for (; i < end; ++i) total += static_cast<double>(x[i]);
    return total;
  });
}

/// y[o, i] = finish(Σ_c x[o, c, i]), where finish takes the sum in f64.
template <Real T, class Finish>
void sum_of(std::span<const T> x, std::span<T> y, ReducedAxes axes, Finish finish) {
  const auto [outer, count, inner] = axes;
  if (inner == 1)
    return parallel_rows(outer, count, [&, length = count](Index o) {
      y[static_cast<std::size_t>(o)] =
          static_cast<T>(finish(wide_total(x.data() + o * length, length)));
    });
  // Columns in strips whose totals fit a few registers.
  constexpr Index strip = 64, block = 512;
  const Index strips = (inner + strip - 1) / strip;
  parallel_rows(outer * strips, count * strip, [&, length = count, step = inner](Index piece) {
    const Index o = piece / strips, first = piece % strips * strip;
    const Index width = std::min(strip, step - first);
    const T* const column = x.data() + o * length * step + first;
    const auto totals = sum_of_blocks(length, block, [=](Index begin, Index end) {
      Sums<double, strip> sums{};
      for (Index c = begin; c < end; ++c)
        for (Index i = 0; i < width; ++i)
          sums[static_cast<std::size_t>(i)] += static_cast<double>(column[c * step + i]);
      return sums;
    });
    T* const result = y.data() + o * step + first;
    for (Index i = 0; i < width; ++i)
      result[i] = static_cast<T>(finish(totals[static_cast<std::size_t>(i)]));
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

/// Σ_c exp(x_c − shift) of `count` numbers that lie `step` apart.
template <Real T>
double sum_of_exponentials(const T* x, Index count, Index step, T shift) {
  return sum_of_blocks(count, sum_block<T>, [=](Index begin, Index end) {
    std::array<T, sum_block<T>> e;
    T* const to = e.data();
    for (Index c = begin; c < end; ++c) to[c - begin] = x[c * step];
    map_elements([shift](T v) { return kernels::exp(v - shift); }, end - begin, to, to);
    return wide_total(to, end - begin);
  });
}

}  // namespace adjoint::kernels
