// The processor's vector registers as a type: the compiler computes with them as with numbers,
// element by element.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "autograd/dtype.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace adjoint::kernels {

#if defined(__AVX512F__)
constexpr Index register_bytes = 64;
#elif defined(__AVX__)
constexpr Index register_bytes = 32;
#else
constexpr Index register_bytes = 16;
#endif

template <Real T>
struct RegisterTypes {
  typedef T plain __attribute__((vector_size(register_bytes)));
  // The same wherever it lies in memory.
  typedef T anywhere __attribute__((vector_size(register_bytes), aligned(alignof(T)), may_alias));
  // Its elements' bits, as numbers.
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

#if defined(__AVX2__) && !defined(__AVX512F__)
/// A mask of the first `count` elements: sign bits.
template <Real T>
__m256i first_elements(Index count) {
  static constexpr auto signs = [] {
    std::array<typename RegisterTypes<T>::Bit, 2 * lanes<T>> result{};
    for (Index i = 0; i < lanes<T>; ++i) result[static_cast<std::size_t>(i)] = -1;
    return result;
  }();
  return _mm256_loadu_si256(
      reinterpret_cast<const __m256i*>(signs.data() + lanes<T> - std::min(count, lanes<T>)));
}
#endif

/// The first `count` elements, and zeros; nothing after them is touched.
template <Real T>
Register<T> load_first(const T* from, Index count) {
#if defined(__AVX512F__)
  const auto mask = static_cast<unsigned>((1 << count) - 1);
  if constexpr (sizeof(T) == 4)
    return Register<T>(_mm512_maskz_loadu_ps(static_cast<__mmask16>(mask), from));
  else
    return Register<T>(_mm512_maskz_loadu_pd(static_cast<__mmask8>(mask), from));
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
template <Real T>
void store_first(T* to, const Register<T>& x, Index count) {
#if defined(__AVX512F__)
  const auto mask = static_cast<unsigned>((1 << count) - 1);
  if constexpr (sizeof(T) == 4)
    _mm512_mask_storeu_ps(to, static_cast<__mmask16>(mask), __m512(x));
  else
    _mm512_mask_storeu_pd(to, static_cast<__mmask8>(mask), __m512d(x));
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 4)
    _mm256_maskstore_ps(to, first_elements<T>(count), __m256(x));
  else
    _mm256_maskstore_pd(to, first_elements<T>(count), __m256d(x));
#else
  std::memcpy(to, &x, static_cast<std::size_t>(count) * sizeof(T));
#endif
}

// ---- Adding up ----------------------------------------------------------------------------------

/// Each element plus the one that lies `distance` away.
template <Real T, int distance, int... i>
Register<T> plus_its_partner(const Register<T>& x, std::integer_sequence<int, i...>) {
  return x + __builtin_shufflevector(x, x, (i ^ distance)...);
}
/// The sum of the elements, in log₂ n stages.
template <Real T, int distance = static_cast<int>(lanes<T>) / 2>
T total_of(const Register<T>& x) {
  constexpr int n = static_cast<int>(lanes<T>);
  const Register<T> sums = plus_its_partner<T, distance>(x, std::make_integer_sequence<int, n>());
  if constexpr (distance > 1)
    return total_of<T, distance / 2>(sums);
  else
    return sums[0];
}

// ---- Transposing a square of registers ---------------------------------------------------------

/// Of two rows that lie `block` apart, the blocks that lie crosswise change places:
///   a = A₀ A₁ …, b = B₀ B₁ …   becomes   a = A₀ B₀ …, b = A₁ B₁ …
template <Real T, int block, int... i>
void exchange_blocks(Register<T>& a, Register<T>& b, std::integer_sequence<int, i...>) {
  constexpr int n = static_cast<int>(lanes<T>);
  const Register<T> first = __builtin_shufflevector(a, b, (i & block ? n + i - block : i)...);
  b = __builtin_shufflevector(a, b, (i & block ? n + i : i + block)...);
  a = first;
}

/// rows[i][j] ↔ rows[j][i], in log₂ n stages: blocks of one element, of two, of four, …
template <Real T, int block = 1>
[[gnu::always_inline]] inline void transpose(Register<T> (&rows)[lanes<T>]) {
  constexpr int n = static_cast<int>(lanes<T>);
#pragma GCC unroll 16
  for (int i = 0; i < n; ++i)
    if (!(i & block))
      exchange_blocks<T, block>(rows[i], rows[i + block], std::make_integer_sequence<int, n>());
  if constexpr (2 * block < n) transpose<T, 2 * block>(rows);
}

/// The total of each of a square of registers, side by side: the same stages, with what is
/// exchanged added up at once.
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
