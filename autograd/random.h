// Random numbers without hidden state. A Key names a stream, and number i of the stream is a pure
// function of key and i (support/philox.h).
#pragma once

#include <cstdint>
#include <string_view>

#include "autograd/support/philox.h"
#include "autograd/tensor.h"

namespace adjoint {

/// The name of a stream of random numbers. Children are streams of their own, independent of what
/// else is drawn and when: `key.child("dropout").child(step)`.
class Key {
 public:
  explicit constexpr Key(std::uint64_t seed = 0) : value_(seed) {}

  constexpr Key child(std::uint64_t index) const {
    return Key(random_bits(value_, index, 0x6368696c64));  // "child": apart from drawn numbers
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

/// Uniform in [low, high), or always low if the bounds are equal.
Tensor uniform(const Shape& shape, double low, double high, Key key, DType dtype = DType::f32);
/// Normal with this mean and standard deviation (Box and Muller's transform).
Tensor normal(const Shape& shape, double mean, double deviation, Key key, DType dtype = DType::f32);
/// Integers in [low, high), as i64. Error when the interval is empty.
Tensor random_integers(const Shape& shape, Index low, Index high, Key key);
/// The integers 0 … count − 1 in random order, as i64 (Fisher and Yates).
Tensor permutation(Index count, Key key);

}  // namespace adjoint
