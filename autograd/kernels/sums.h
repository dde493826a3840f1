// Sums that keep their digits.
//
// In one chain, each number passes through all the additions after it. Each addition may be off by
// a rounding u of the sum so far (u = 2⁻²⁴ in f32), so the result by n u Σ|x|; and where the
// numbers are equal it is off by a fixed share of that: a million times 0.1 in f32 loses 1%. From
// 2²⁴ on, adding 1 changes nothing. So chains are short. Numbers are added in blocks, and the sums
// of blocks in pairs, the results in pairs again:
//
//   |error| ≤ (chain + log₂(blocks) + 1) u Σ|x|      up to terms of u²
//
// where a block of `block` numbers in registers makes chains of block / lanes.
#pragma once

#include <array>
#include <cstddef>

#include "autograd/kernels/registers.h"

namespace adjoint::kernels {

/// How many numbers make a block: chains of 32 in registers.
template <Real T>
constexpr Index sum_block = 32 * lanes<T>;

/// How many rows of numbers are added one after the other.
constexpr Index longest_chain = 64;

/// Several sums that are taken in one loop.
template <Scalar T, std::size_t count>
using Sums = std::array<T, count>;
template <Scalar T, std::size_t count>
Sums<T, count> operator+(Sums<T, count> a, const Sums<T, count>& b) {
  for (std::size_t i = 0; i < count; ++i) a[i] += b[i];
  return a;
}

/// f(begin, end) + f(…, …) + … over the blocks of [begin, end), in pairs. There is more than one.
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

/// Several sums over i < count, which are taken in one loop. terms(at) gives a register of terms of
/// each sum. It calls at(x) to get a register of a row x. Beyond the end of the rows that holds
/// zeros, or at(x, others) the others.
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
