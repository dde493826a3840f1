// Random numbers without a hidden state. A Key says which stream, a counter which number in it:
// number i of a key is a pure function of both, so the order of drawing and the number of threads
// change nothing.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "autograd/tensor.h"

namespace adjoint {

/// Of Philox: what words are multiplied by, and what is added to the key from round to round.
constexpr std::array<std::uint64_t, 2> philox_factors = {0xD2511F53, 0xCD9E8D57};
constexpr std::array<std::uint32_t, 2> philox_steps = {0x9E3779B9, 0xBB67AE85};

/// Philox4x32: four random words of 32 bits from a key and a counter of four words. Ten rounds of
/// multiplying and swapping words; seven pass all statistical tests too. (Salmon et al., "Parallel
/// random numbers: as easy as 1, 2, 3", SC 2011, section 3.3 and table 2.) The counter is given as
/// its low and high half. kernels/philox.h does so for many counters at once.
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

/// The name of a stream of random numbers. Deriving children instead of drawing one after the other
/// keeps streams independent: `key.child("dropout").child(step)`.
class Key {
 public:
  explicit constexpr Key(std::uint64_t seed = 0) : value_(seed) {}

  constexpr Key child(std::uint64_t index) const {
    const auto words = philox(value_, index, 0x6368696c64);  // "child": apart from drawn numbers
    return Key(std::uint64_t{words[1]} << 32 | words[0]);
  }
  constexpr Key child(std::string_view name) const {
    std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
    for (const char letter : name)
      hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3;
    return child(hash);
  }

  constexpr std::uint64_t value() const { return value_; }
  friend constexpr bool operator==(Key, Key) = default;

 private:
  std::uint64_t value_;
};

/// Uniform in [low, high).
Tensor uniform(const Shape& shape, double low, double high, Key key, DType dtype = DType::f32);
/// Normal with the given mean and standard deviation (Box and Muller's transform).
Tensor normal(const Shape& shape, double mean, double deviation, Key key, DType dtype = DType::f32);
/// Whole numbers in [low, high), as i64. Error when there is none.
Tensor random_integers(const Shape& shape, Index low, Index high, Key key);
/// The numbers 0 ... count − 1 in random order, as i64 (Fisher and Yates).
Tensor permutation(Index count, Key key);

}  // namespace adjoint
