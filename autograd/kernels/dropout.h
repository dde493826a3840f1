// Which elements dropout keeps, as a pure function of a key and of where the element stands.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "autograd/random.h"

namespace adjoint::kernels {

/// The mask of one drop probability. Each element takes 16 random bits, so the probability is
/// rounded to a multiple of 2⁻¹⁶.
template <Real T>
class DropoutMask {
 public:
  DropoutMask(double p, Key key)
      : key_(key.value()),
        threshold_(static_cast<std::uint16_t>(std::min(std::round(p * 0x1p16), 0x1p16 - 1))),
        kept_(static_cast<T>(0x1p16 / (0x1p16 - threshold_))) {}

  /// y[i] = x[i] · 1/(1 − p) where element i of this row is kept, else 0. `row` names the row, and
  /// `plane` a second coordinate for rows that come in several layers (the heads of attention).
  void apply(const T* x, T* y, Index width, std::uint64_t row, std::uint32_t plane = 0) const {
    std::uint32_t counter = 0;
    for (Index begin = 0; begin < width; begin += block, counter += lanes) {
      Words words;
      for (std::uint32_t lane = 0; lane < lanes; ++lane) {
        words[0][lane] = static_cast<std::uint32_t>(row);
        words[1][lane] = static_cast<std::uint32_t>(row >> 32);
        words[2][lane] = counter + lane;
        words[3][lane] = plane;
      }
      philox<lanes>(key_, words);
      const auto random = std::bit_cast<std::array<std::uint16_t, block>>(words);
      const Index count = std::min(block, width - begin);
      for (Index i = 0; i < count; ++i)
        y[begin + i] =
            random[static_cast<std::size_t>(i)] >= threshold_ ? x[begin + i] * kept_ : T{0};
    }
  }

 private:
  static constexpr std::size_t lanes = 16;       // words in a register
  static constexpr Index block = 4 * lanes * 2;  // elements that they decide
  using Words = std::array<std::array<std::uint32_t, lanes>, 4>;

  std::uint64_t key_;
  std::uint16_t threshold_;
  T kept_;
};

}  // namespace adjoint::kernels
