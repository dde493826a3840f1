// Random numbers without a hidden state. A Key says which stream, a counter which number in it:
// number i of a key is a pure function of both, so the order of drawing and the number of threads
// change nothing.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "autograd/tensor.h"

namespace adjoint {

/// Philox4x32: four random words of 32 bits from a key and a counter of four words. Ten rounds of
/// multiplying and swapping words; seven pass all statistical tests too. (Salmon et al., "Parallel
/// random numbers: as easy as 1, 2, 3", SC 2011, section 3.3 and table 2.) Done in place for
/// several counters side by side, `words[w][lane]` being word w of one of them: the loop over lanes
/// fills vector registers.
template <std::size_t Lanes, int Rounds = 10>
constexpr void philox(std::uint64_t key, std::array<std::array<std::uint32_t, Lanes>, 4>& words) {
  auto& [c0, c1, c2, c3] = words;
  auto k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < Rounds; ++round) {
#pragma omp simd
    for (std::size_t lane = 0; lane < Lanes; ++lane) {
      const std::uint64_t p0 = std::uint64_t{0xD2511F53} * c0[lane];
      const std::uint64_t p1 = std::uint64_t{0xCD9E8D57} * c2[lane];
      c0[lane] = static_cast<std::uint32_t>(p1 >> 32) ^ c1[lane] ^ k0;
      c1[lane] = static_cast<std::uint32_t>(p1);
      c2[lane] = static_cast<std::uint32_t>(p0 >> 32) ^ c3[lane] ^ k1;
      c3[lane] = static_cast<std::uint32_t>(p0);
    }
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
}

/// The same for one counter, given as its low and high half.
constexpr std::array<std::uint32_t, 4> philox(std::uint64_t key, std::uint64_t low,
                                              std::uint64_t high) {
  const auto word = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
  std::array<std::array<std::uint32_t, 1>, 4> words = {
      {{word(low)}, {word(low >> 32)}, {word(high)}, {word(high >> 32)}}};
  philox<1>(key, words);
  return {words[0][0], words[1][0], words[2][0], words[3][0]};
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
