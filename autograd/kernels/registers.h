// Vector registers as a type: arithmetic on them is element by element.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "autograd/dtype.h"

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#endif

namespace adjoint::kernels {

#if defined(__AVX512F__)
constexpr Index register_bytes = 64;
#elif defined(__AVX2__)
constexpr Index register_bytes = 32;
#else
constexpr Index register_bytes = 16;
#endif

template <Real T>
struct RegisterTypes {
  typedef T plain __attribute__((vector_size(register_bytes)));
  typedef T half __attribute__((vector_size(register_bytes / 2)));
  // A whole one, unaligned in memory.
  typedef T anywhere __attribute__((vector_size(register_bytes), aligned(alignof(T)), may_alias));
  // The bits of its elements, as integers.
  using Bit = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
  typedef Bit bits __attribute__((vector_size(register_bytes)));
};
template <Real T>
using Register = typename RegisterTypes<T>::plain;

/// Elements in a register.
template <Real T>
constexpr Index lanes = register_bytes / static_cast<Index>(sizeof(T));

template <Real T>
Register<T> filled(T x) {
  return x - Register<T>{};
}
template <Real T>
Register<T> load(const T* from) {
  return *reinterpret_cast<const typename RegisterTypes<T>::anywhere*>(from);
}
template <Real T>
void store(T* to, const Register<T>& x) {
  *reinterpret_cast<typename RegisterTypes<T>::anywhere*>(to) = x;
}

// ---- A part of a register ----------------------------------------------------------------------

#if defined(__AVX512F__)
/// A mask of the first `count` elements: one bit each.
template <Real T>
auto first_elements(Index count) {
  return static_cast<std::conditional_t<sizeof(T) == 4, __mmask16, __mmask8>>((1 << count) - 1);
}
#elif defined(__AVX2__)
/// A mask of the first `count` elements: their sign bits.
template <Real T>
__m256i first_elements(Index count) {
  static constexpr auto signs = [] {
    std::array<typename RegisterTypes<T>::Bit, 2 * lanes<T>> result{};
    std::fill_n(result.begin(), lanes<T>, -1);
    return result;
  }();
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(signs.data() + lanes<T> - count));
}
#endif

/// The first `count` elements, 0 to all, and zeros. The memory after them is not touched.
template <Real T>
Register<T> load_first(const T* from, Index count) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4)
    return Register<T>(_mm512_maskz_loadu_ps(first_elements<T>(count), from));
  else
    return Register<T>(_mm512_maskz_loadu_pd(first_elements<T>(count), from));
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 4)
    return Register<T>(_mm256_maskload_ps(from, first_elements<T>(count)));
  else
    return Register<T>(_mm256_maskload_pd(from, first_elements<T>(count)));
#else
  Register<T> x{};
  std::memcpy(&x, from, static_cast<std::size_t>(count) * sizeof(T));
  return x;
#endif
}
/// The first `count` elements from memory, the others from `others`.
template <Real T>
Register<T> load_first(const T* from, Index count, const Register<T>& others) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4)
    return Register<T>(_mm512_mask_loadu_ps(__m512(others), first_elements<T>(count), from));
  else
    return Register<T>(_mm512_mask_loadu_pd(__m512d(others), first_elements<T>(count), from));
#elif defined(__AVX2__)
  using Bits = typename RegisterTypes<T>::bits;
  return Bits(first_elements<T>(count)) < 0 ? load_first(from, count) : others;
#else
  Register<T> x = others;
  std::memcpy(&x, from, static_cast<std::size_t>(count) * sizeof(T));
  return x;
#endif
}
template <Real T>
void store_first(T* to, const Register<T>& x, Index count) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4)
    _mm512_mask_storeu_ps(to, first_elements<T>(count), __m512(x));
  else
    _mm512_mask_storeu_pd(to, first_elements<T>(count), __m512d(x));
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 4)
    _mm256_maskstore_ps(to, first_elements<T>(count), __m256(x));
  else
    _mm256_maskstore_pd(to, first_elements<T>(count), __m256d(x));
#else
  std::memcpy(to, &x, static_cast<std::size_t>(count) * sizeof(T));
#endif
}

// ---- Totals ------------------------------------------------------------------------------------

/// Adds to each element the one whose index differs in the bit `block`, then in the next bit, and
/// so on: after log₂ n stages every element is the total.
template <Real T, int block, int... i>
[[gnu::always_inline]] inline T total_by_stages(Register<T> x,
                                                std::integer_sequence<int, i...> all) {
  x += __builtin_shufflevector(x, x, (i ^ block)...);
  if constexpr (2 * block < static_cast<int>(sizeof...(i)))
    return total_by_stages<T, 2 * block>(x, all);
  else
    return x[0];
}
template <Real T>
T total_of(const Register<T>& x) {
  return total_by_stages<T, 1>(x, std::make_integer_sequence<int, static_cast<int>(lanes<T>)>());
}

// ---- Squares of registers ----------------------------------------------------------------------

/// Exchanges blocks of elements crosswise:
///   a = A₀ A₁ …, b = B₀ B₁ …   becomes   a = A₀ B₀ …, b = A₁ B₁ …
template <Real T, int block, int... i>
void exchange_blocks(Register<T>& a, Register<T>& b, std::integer_sequence<int, i...>) {
  constexpr int n = static_cast<int>(lanes<T>);
  const Register<T> first = __builtin_shufflevector(a, b, (i & block ? n + i - block : i)...);
  b = __builtin_shufflevector(a, b, (i & block ? n + i : i + block)...);
  a = first;
}

/// rows[i][j] ↔ rows[j][i], in log₂ n stages that exchange blocks of one element, of two, of four,
/// …
template <Real T, int block = 1>
[[gnu::always_inline]] inline void transpose(Register<T> (&rows)[lanes<T>]) {
  constexpr int n = static_cast<int>(lanes<T>);
#pragma GCC unroll 16
  for (int i = 0; i < n; ++i)
    if (!(i & block))
      exchange_blocks<T, block>(rows[i], rows[i + block], std::make_integer_sequence<int, n>());
  if constexpr (2 * block < n) transpose<T, 2 * block>(rows);
}

/// The total of each register, side by side: the same stages, adding what they exchange. Overwrites
/// the registers.
template <Real T, int block = 1>
[[gnu::always_inline]] inline Register<T> totals_of(Register<T> (&rows)[lanes<T>]) {
  constexpr int n = static_cast<int>(lanes<T>);
#pragma GCC unroll 16
  for (int i = 0; i < n; i += 2 * block) {
    exchange_blocks<T, block>(rows[i], rows[i + block], std::make_integer_sequence<int, n>());
    rows[i] += rows[i + block];
  }
  if constexpr (2 * block < n)
    return totals_of<T, 2 * block>(rows);
  else
    return rows[0];
}

}  // namespace adjoint::kernels
