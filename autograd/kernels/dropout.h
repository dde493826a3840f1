// Which elements dropout keeps, as a pure function of a key and of where the element stands.
#pragma once

#include <algorithm>
#include <array>

#include "autograd/random.h"

namespace adjoint::kernels {

/// The mask of one drop probability.
template <Real T>
class DropoutMask {
 public:
  DropoutMask(double p, Key key)
      : key_(key.value()),
        kept_(static_cast<T>(1 / (1 - p))),
        threshold_(static_cast<std::uint32_t>(std::min(p * 0x1p32, 0x1p32 - 1))) {}

  /// y[i] = x[i] · 1/(1 − p) where element i of this row is kept, else 0. `row` names the row, and
  /// `plane` a second coordinate for rows that come in several layers (the heads of attention).
  void apply(const T* x, T* y, Index width, std::uint64_t row, std::uint32_t plane = 0) const {
    for (Index begin = 0; begin < width; begin += 4 * lanes) {
      alignas(64) Words words;
      for (std::uint32_t lane = 0; lane < lanes; ++lane) {
        words[0][lane] = static_cast<std::uint32_t>(row);
        words[1][lane] = static_cast<std::uint32_t>(row >> 32);
        words[2][lane] = static_cast<std::uint32_t>(begin / 4) + lane;
        words[3][lane] = plane;
      }
      philox<lanes>(key_, words);
      const auto* const random = reinterpret_cast<const std::uint32_t*>(&words);  // word after word
      const Index count = std::min<Index>(4 * lanes, width - begin);
      for (Index i = 0; i < count; ++i)
        y[begin + i] = random[i] >= threshold_ ? x[begin + i] * kept_ : T{0};
    }
  }

 private:
  static constexpr Index lanes = 16;  // words in a register
  using Words = std::array<std::array<std::uint32_t, lanes>, 4>;

  std::uint64_t key_;
  T kept_;
  std::uint32_t threshold_;
};

}  // namespace adjoint::kernels
