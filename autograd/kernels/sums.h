// Sums with short chains of additions.
//
// In one chain, a number passes through all the additions after it. Each addition rounds the sum so
// far, by up to a share u of it (2⁻²⁴ in f32), so the result is off by up to n u Σ|x|. Equal
// numbers round in the same direction: a million times 0.1 in f32 loses 1%. From 2²⁴ on, adding 1
// changes nothing. So chains are short here. Blocks of numbers are added in registers, and the sums
// of the blocks in pairs, level by level. With chains of c additions,
//
//   |error| ≤ (c + log₂ lanes + log₂ blocks + 1) u Σ|x|      up to terms in u²
//
// (Higham, "The accuracy of floating point summation", 1993, section 3.)
#pragma once

#include <array>
#include <cstddef>

#include "autograd/kernels/registers.h"

namespace adjoint::kernels {

/// The numbers in a block: chains of 32 additions in registers.
template <Real T>
constexpr Index sum_block = 32 * lanes<T>;

/// How many rows are added one after the other.
constexpr Index longest_chain = 64;

/// Several sums that are taken in one loop.
template <Scalar T, std::size_t count>
using Sums = std::array<T, count>;
template <Scalar T, std::size_t count>
Sums<T, count> operator+(Sums<T, count> a, const Sums<T, count>& b) {
  for (std::size_t i = 0; i < count; ++i) a[i] += b[i];
  return a;
}

/// The sum of f(begin, end) over the blocks of [begin, end), added in pairs. There is more than one
/// block.
template <class F>
[[gnu::noinline]] auto sum_of_halves(Index begin, Index end, Index block, F f)
    -> decltype(f(begin, end)) {
  if (end - begin <= block) return f(begin, end);
  const Index blocks = (end - begin + block - 1) / block, middle = begin + blocks / 2 * block;
  return sum_of_halves(begin, middle, block, f) + sum_of_halves(middle, end, block, f);
}

/// The sum over [0, count), where f(begin, end) is the sum over a block.
template <class F>
auto sum_of_blocks(Index count, Index block, F f) {
  if (count <= block) return f(Index{0}, count);
  return sum_of_halves(0, count, block, f);
}

/// Takes several sums over i < count in one loop. terms(at) returns a register of terms for each
/// sum, computed from at(x), a register of the row x. Beyond the end of the rows at(x) holds zeros,
/// and at(x, others) holds `others`. The terms computed there must be 0.
template <Real T, std::size_t n, class Terms>
Sums<T, n> sums_of_terms(Index count, Terms terms) {
  return sum_of_blocks(count, sum_block<T>, [=](Index begin, Index end) {
    std::array<Register<T>, n> sums{};
    const auto add = [&](auto at) {
      const std::array<Register<T>, n> more = terms(at);
      for (std::size_t k = 0; k < n; ++k) sums[k] += more[k];
    };
    Index i = begin;
    for (; i + lanes<T> <= end; i += lanes<T>) add([i](const T* x, T = 0) { return load(x + i); });
    if (i < end)
      add([=](const T* x, T others = 0) { return load_first(x + i, end - i, filled(others)); });
    Sums<T, n> totals;
    for (std::size_t k = 0; k < n; ++k) totals[k] = total_of<T>(sums[k]);
    return totals;
  });
}
template <Real T, class Term>
T sum_of_terms(Index count, Term term) {
  return sums_of_terms<T, 1>(count,
                             [=](auto at) { return std::array<Register<T>, 1>{term(at)}; })[0];
}

}  // namespace adjoint::kernels
