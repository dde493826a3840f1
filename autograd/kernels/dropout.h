// Which elements dropout keeps: a pure function of a key and of the element's place.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>

#include "autograd/kernels/philox.h"

namespace adjoint::kernels {

/// The mask for one drop probability. 16 bits of the random words at counter (row, i / 8, plane)
/// decide element i of a row, so it depends on no other element, and the probability is rounded to
/// a multiple of 2⁻¹⁶. A row is a number (row_number); planes tell apart rows of the same number,
/// such as those of several heads.
template <Real T>
class DropoutMask {
 public:
  DropoutMask(double p, std::uint64_t key)
      : key_(key),
        threshold_(static_cast<std::uint16_t>(std::min(std::round(p * 0x1p16), 0x1p16 - 1))),
        kept_(static_cast<T>(0x1p16 / (0x1p16 - threshold_))) {}

  /// y[i] = x[i] / (1 − p) where element i of this row is kept, else 0.
  void apply(const T* x, T* y, Index width, std::uint64_t row, std::uint32_t plane = 0) const {
    for (Index begin = 0; begin < width; begin += counters * each) {
      const auto first = static_cast<std::uint64_t>(begin / each);
      std::uint16_t bits[counters * each];
      store_bits(draw(Counters{} + row, Counters{} + first + lane_numbers(), plane), bits);
      select(x + begin, y + begin, bits, std::min(counters * each, width - begin));
    }
  }

  /// The same for `rows` consecutive rows; name_of(i) names row i. Short rows share a draw.
  template <class NameOf>
  void apply(const T* x, T* y, Index rows, Index width, NameOf name_of,
             std::uint32_t plane = 0) const {
    if (width > counters * each / 2) {
      for (Index i = 0; i < rows; ++i)
        apply(x + i * width, y + i * width, width, name_of(i), plane);
      return;
    }
    for (Index first = 0; first < rows; first += counters) {
      const Index count = std::min(counters, rows - first);
      Counters names{};
      for (Index i = 0; i < count; ++i) names[i] = name_of(first + i);
      for (Index begin = 0; begin < width; begin += each) {
        std::uint16_t bits[counters * each];
        store_bits(draw(names, Counters{} + static_cast<std::uint64_t>(begin / each), plane), bits);
        for (Index i = 0; i < count; ++i) {
          const Index at = (first + i) * width + begin;
          select(x + at, y + at, bits + i * each, std::min(each, width - begin));
        }
      }
    }
  }

  /// The factors themselves, 1/(1 − p) or 0, of a register of rows, first_row and those after it.
  /// Their factors of element i lie side by side, `stride` elements after those of element i − 1.
  void factors_by_column(Index width, Index stride, std::uint64_t first_row, std::uint32_t plane,
                         T* factors) const {
    const Counters rows = Counters{} + first_row + lane_numbers();
    for (Index begin = 0; begin < width; begin += each) {
      const Counters part = Counters{} + static_cast<std::uint64_t>(begin / each);
      RandomWords words = draw(rows, part, plane);
      if constexpr (counters < lanes<T>) {  // twice as many rows as counters
        const RandomWords more = draw(rows + static_cast<std::uint64_t>(counters), part, plane);
        for (std::size_t i = 0; i < words.size(); ++i) words[i] = lower_halves(words[i], more[i]);
      }
      for (Index i = begin; i < std::min(width, begin + each); ++i)
        store(factors + i * stride,
              factors_of(words[static_cast<std::size_t>(i - begin) / 2], i % 2));
    }
  }

 private:
  static constexpr Index counters = counters_in_register;
  static constexpr Index each = 8;  // elements decided by one counter

  static Counters lane_numbers() {
    Counters numbers{};
    for (Index i = 0; i < counters; ++i) numbers[i] = static_cast<std::uint64_t>(i);
    return numbers;
  }

  RandomWords draw(const Counters& rows, const Counters& parts, std::uint32_t plane) const {
    return philox<7>(key_, {rows, rows >> 32, parts, Counters{} + plane});
  }

  // The 16 bits of each element, those of one counter side by side.
  static void store_bits(const RandomWords& words, std::uint16_t* bits) {
    const Counters low = words[0] & 0xffffffff, high = words[2] & 0xffffffff;
    store_in_turn(low | words[1] << 32, high | words[3] << 32, bits);
  }

  void select(const T* x, T* y, const std::uint16_t* bits, Index count) const {
    const std::uint16_t threshold = threshold_;  // copies: to the compiler y may alias members
    const T kept = kept_;
    const auto at = [=](Index i) { y[i] = bits[i] >= threshold ? x[i] * kept : T{0}; };
    if (count == counters * each)  // constant counts make vector loops without a remainder
#pragma omp simd
      for (Index i = 0; i < counters * each; ++i) at(i);
    else if (count == each)
#pragma omp simd
      for (Index i = 0; i < each; ++i) at(i);
    else
      for (Index i = 0; i < count; ++i) at(i);
  }

  // The factors decided by the low or the high half of each word, in elements as wide as T.
  Register<T> factors_of(const Counters& words, Index half) const {
    using Bits = typename RegisterTypes<T>::bits;
    const Bits bits = (std::bit_cast<Bits>(words) >> (half == 0 ? 0 : 16)) & 0xffff;
    return bits >= threshold_ ? filled(kept_) : Register<T>{};
  }

  std::uint64_t key_;
  std::uint16_t threshold_;
  T kept_;
};

}  // namespace adjoint::kernels
