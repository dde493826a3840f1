// Which elements dropout keeps, as a pure function of a key and of where the element stands.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>

#include "autograd/kernels/philox.h"

namespace adjoint::kernels {

/// The mask of one drop probability. Element i of a row is decided by 16 bits of the random words
/// whose counter is (row, i / 8, plane), so it depends on no other element, and the probability is
/// rounded to a multiple of 2⁻¹⁶. A row is named by a number, and `plane` is a second coordinate
/// for rows that come in several layers (the heads of attention).
template <Real T>
class DropoutMask {
 public:
  DropoutMask(double p, Key key)
      : key_(key.value()),
        threshold_(static_cast<std::uint16_t>(std::min(std::round(p * 0x1p16), 0x1p16 - 1))),
        kept_(static_cast<T>(0x1p16 / (0x1p16 - threshold_))) {}

  /// y[i] = x[i] · 1/(1 − p) where element i of this row is kept, else 0.
  void apply(const T* x, T* y, Index width, std::uint64_t row, std::uint32_t plane = 0) const {
    for (Index begin = 0; begin < width; begin += counters * each) {
      const auto first = static_cast<std::uint64_t>(begin / each);
      std::uint16_t bits[counters * each];
      store_bits(draw(Counters{} + row, Counters{} + first + lane_numbers(), plane), bits);
      select(x + begin, y + begin, bits, std::min(counters * each, width - begin));
    }
  }

  /// The same for so many rows one after the other; name_of(i) is the name of row i.
  /// Where rows are short, several share a draw.
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

  /// The factors themselves, 1/(1 − p) or 0, of a register of rows side by side, that are numbered
  /// from `first_row` on: factors[i] of element i of all of them, `stride` elements after that of
  /// element i − 1.
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
  static constexpr Index each = 8;  // elements that one counter decides

  static Counters lane_numbers() {
    Counters numbers{};
    for (Index i = 0; i < counters; ++i) numbers[i] = static_cast<std::uint64_t>(i);
    return numbers;
  }

  RandomWords draw(const Counters& rows, const Counters& parts, std::uint32_t plane) const {
    return philox<7>(key_, {rows, rows >> 32, parts, Counters{} + plane});
  }

  // The 16 bits for each element, those of a counter side by side.
  static void store_bits(const RandomWords& words, std::uint16_t* bits) {
    const Counters low = words[0] & 0xffffffff, high = words[2] & 0xffffffff;
    store_in_turn(low | words[1] << 32, high | words[3] << 32, bits);
  }

  void select(const T* x, T* y, const std::uint16_t* bits, Index count) const {
    const std::uint16_t threshold = threshold_;  // copies: y might be where the members are
    const T kept = kept_;
    const auto at = [=](Index i) { y[i] = bits[i] >= threshold ? x[i] * kept : T{0}; };
    if (count == counters * each)  // a count that the compiler knows makes a loop without a rest
#pragma omp simd
      for (Index i = 0; i < counters * each; ++i) at(i);
    else if (count == each)
#pragma omp simd
      for (Index i = 0; i < each; ++i) at(i);
    else
      for (Index i = 0; i < count; ++i) at(i);
  }

  // Of the low or the high half of each word, in elements as wide as T.
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
