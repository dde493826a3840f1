// Philox (support/philox.h) for a register of counters at once.
#pragma once

#include <array>
#include <cstdint>

#include "autograd/kernels/registers.h"
#include "autograd/support/philox.h"

namespace adjoint::kernels {

/// One word of each counter, in the lower half of an element. The upper half may hold anything:
/// products read the lower halves only, and no other step moves a bit downwards.
typedef std::uint64_t Counters __attribute__((vector_size(register_bytes)));
constexpr Index counters_in_register = register_bytes / 8;

/// The four words of each counter.
using RandomWords = std::array<Counters, 4>;

/// The 64-bit product of the lower halves.
inline Counters product_of_halves(const Counters& a, const Counters& b) {
#if defined(__AVX512F__)  // masked, since g++ 12 warns inside the plain form
  return Counters(_mm512_maskz_mul_epu32(0xff, __m512i(a), __m512i(b)));
#elif defined(__AVX2__)
  return Counters(_mm256_mul_epu32(__m256i(a), __m256i(b)));
#else
  return (a & 0xffffffff) * (b & 0xffffffff);
#endif
}

template <int rounds>
RandomWords philox(std::uint64_t key, RandomWords words) {
  auto& [c0, c1, c2, c3] = words;
  std::uint64_t k0 = key & 0xffffffff, k1 = key >> 32;
#pragma GCC unroll 10
  for (int round = 0; round < rounds; ++round) {
    const Counters p0 = product_of_halves(Counters{} + philox_factors[0], c0);
    const Counters p1 = product_of_halves(Counters{} + philox_factors[1], c2);
    c0 = p1 >> 32 ^ c1 ^ k0;
    c1 = p1;
    c2 = p0 >> 32 ^ c3 ^ k1;
    c3 = p0;
    k0 += philox_steps[0];
    k1 += philox_steps[1];
  }
  return words;
}

/// The lower halves of all elements of a and then of b, packed.
inline Counters lower_halves(const Counters& a, const Counters& b) {
  typedef std::uint32_t Halves __attribute__((vector_size(register_bytes)));
  return [&]<int... i>(std::integer_sequence<int, i...>) {
    return Counters(__builtin_shufflevector(Halves(a), Halves(b), 2 * i...));
  }
  (std::make_integer_sequence<int, 2 * static_cast<int>(counters_in_register)>());
}

/// Stores the elements interleaved: a₀ b₀ a₁ b₁ …
template <class To>
void store_in_turn(const Counters& a, const Counters& b, To* to) {
  constexpr auto n = static_cast<int>(counters_in_register);
  const auto half = [&]<int... i>(auto begin, std::integer_sequence<int, i...>) {
    return __builtin_shufflevector(a, b, (begin / 2 + i / 2 + i % 2 * n)...);
  };
  constexpr auto elements = std::make_integer_sequence<int, n>();
  const Counters halves[] = {half(std::integral_constant<int, 0>(), elements),
                             half(std::integral_constant<int, n>(), elements)};
  std::memcpy(to, halves, sizeof halves);
}

}  // namespace adjoint::kernels
