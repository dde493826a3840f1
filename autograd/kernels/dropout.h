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
    for (Index block = 0; block * 4 < width; ++block) {
      const auto words =
          philox(key_, row, std::uint64_t{plane} << 32 | static_cast<std::uint32_t>(block));
      const Index begin = block * 4, count = std::min<Index>(4, width - begin);
      for (Index i = 0; i < count; ++i)
        y[begin + i] =
            words[static_cast<std::size_t>(i)] >= threshold_ ? x[begin + i] * kept_ : T{0};
    }
  }

 private:
  std::uint64_t key_;
  T kept_;
  std::uint32_t threshold_;
};

}  // namespace adjoint::kernels
