// Philox, a counter-based random number generator: number i of a key is a pure function of both, so
// neither the order of drawing nor the number of threads changes anything.
#pragma once

#include <array>
#include <cstdint>

namespace adjoint {

/// What a round multiplies words by, and what the key grows by from round to round.
constexpr std::array<std::uint64_t, 2> philox_factors = {0xD2511F53, 0xCD9E8D57};
constexpr std::array<std::uint32_t, 2> philox_steps = {0x9E3779B9, 0xBB67AE85};

/// Philox4x32: four random words of 32 bits from a key and a counter of four words, given as its
/// low and high half. A round multiplies and swaps words; ten are customary, seven pass all
/// statistical tests too. (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011,
/// section 3.3 and table 2.) kernels/philox.h computes a register of counters at once.
template <int rounds = 10>
constexpr std::array<std::uint32_t, 4> philox(std::uint64_t key, std::uint64_t low,
                                              std::uint64_t high) {
  const auto low_word = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
  const auto high_word = [](std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); };
  std::uint32_t c0 = low_word(low), c1 = high_word(low), c2 = low_word(high), c3 = high_word(high);
  std::uint32_t k0 = low_word(key), k1 = high_word(key);
  for (int round = 0; round < rounds; ++round) {
    const std::uint64_t p0 = philox_factors[0] * c0, p1 = philox_factors[1] * c2;
    c0 = high_word(p1) ^ c1 ^ k0;
    c1 = low_word(p1);
    c2 = high_word(p0) ^ c3 ^ k1;
    c3 = low_word(p0);
    k0 += philox_steps[0];
    k1 += philox_steps[1];
  }
  return {c0, c1, c2, c3};
}

/// The first 64 of these bits.
constexpr std::uint64_t random_bits(std::uint64_t key, std::uint64_t low, std::uint64_t high = 0) {
  const auto words = philox(key, low, high);
  return std::uint64_t{words[1]} << 32 | words[0];
}

/// The number by which dropout knows a row: the position in an example of the batch. It is the same
/// in every layout of the batch, with or without padding, and in every shard.
constexpr std::int64_t row_number(std::int64_t example, std::int64_t position) {
  return example << 32 | position;
}

}  // namespace adjoint
