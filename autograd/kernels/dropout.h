// Which elements dropout keeps, as a pure function of a key and of where the element stands.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "autograd/kernels/registers.h"
#include "autograd/random.h"

namespace adjoint::kernels {

/// The mask of one drop probability. Element i of a row is decided by 16 bits of the random words
/// whose counter is (row, i / 8, plane), so it depends on no other element, and the probability is
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
    for (Index begin = 0; begin < width; begin += lanes * each) {
      const auto first = static_cast<std::uint32_t>(begin / each);
      const Bits bits = draw_bits([&](std::uint32_t lane) {
        return Counter{row, first + lane, plane};
      });
      select(x + begin, y + begin, bits.data(), std::min(lanes * each, width - begin));
    }
  }

  /// The same for so many rows that begin `stride` elements apart; name_of(i) is the name of row i.
  /// Where rows are short, several share the lanes of a draw.
  template <class NameOf>
  void apply(const T* x, T* y, Index rows, Index width, Index stride, NameOf name_of,
             std::uint32_t plane = 0) const {
    if (width > lanes * each / 2) {
      for (Index i = 0; i < rows; ++i)
        apply(x + i * stride, y + i * stride, width, name_of(i), plane);
      return;
    }
    for (Index first = 0; first < rows; first += lanes) {
      const Index count = std::min(lanes, rows - first);
      std::array<std::uint64_t, lanes> names{};
      for (Index i = 0; i < count; ++i) names[static_cast<std::size_t>(i)] = name_of(first + i);
      for (Index begin = 0; begin < width; begin += each) {
        const auto part = static_cast<std::uint32_t>(begin / each);
        const Bits bits = draw_bits([&](std::uint32_t lane) {
          return Counter{names[lane], part, plane};
        });
        for (Index i = 0; i < count; ++i) {
          const Index at = (first + i) * stride + begin;
          select(x + at, y + at, bits.data() + i * each, std::min(each, width - begin));
        }
      }
    }
  }

  /// The factors themselves, 1/(1 − p) or 0, of a register of rows side by side: factors[i] of
  /// element i of all of them, `stride` elements after that of element i − 1.
  template <class NameOf>
  void factors_by_column(Index width, Index stride, NameOf name_of, std::uint32_t plane,
                         T* factors) const {
    constexpr auto rows = static_cast<std::size_t>(kernels::lanes<T>);
    const std::uint32_t threshold = threshold_;
    const T kept = kept_;
    for (Index begin = 0; begin < width; begin += each) {
      const auto part = static_cast<std::uint32_t>(begin / each);
      const auto words = draw<rows>([&](std::uint32_t lane) {
        return Counter{name_of(static_cast<Index>(lane)), part, plane};
      });
      for (Index i = begin; i < std::min(width, begin + each); ++i) {
        const auto& word = words[static_cast<std::size_t>(i - begin) / 2];
        const int shift = i % 2 == 0 ? 0 : 16;
        T* const to = factors + i * stride;
#pragma omp simd
        for (std::size_t row = 0; row < rows; ++row)
          to[row] = (word[row] >> shift & 0xFFFF) >= threshold ? kept : T{0};
      }
    }
  }

 private:
  static constexpr Index lanes = 16;                     // counters in a register
  static constexpr Index each = 8;                       // elements that one counter decides
  using Bits = std::array<std::uint16_t, lanes * each>;  // those of a lane side by side
  struct Counter {
    std::uint64_t row;
    std::uint32_t part, plane;
  };

  // Word w of each lane's counter: words[w][lane].
  template <std::size_t count, class CounterOf>
  std::array<std::array<std::uint32_t, count>, 4> draw(const CounterOf& counter_of) const {
    std::array<std::array<std::uint32_t, count>, 4> words;
    for (std::uint32_t lane = 0; lane < count; ++lane) {
      const Counter counter = counter_of(lane);
      words[0][lane] = static_cast<std::uint32_t>(counter.row);
      words[1][lane] = static_cast<std::uint32_t>(counter.row >> 32);
      words[2][lane] = counter.part;
      words[3][lane] = counter.plane;
    }
    philox<count, 7>(key_, words);
    return words;
  }

  template <class CounterOf>
  Bits draw_bits(const CounterOf& counter_of) const {
    const auto words = draw<lanes>(counter_of);
    std::array<std::uint32_t, lanes * 4> by_lane;
    for (std::size_t lane = 0; lane < lanes; ++lane)
      for (std::size_t word = 0; word < 4; ++word) by_lane[lane * 4 + word] = words[word][lane];
    return std::bit_cast<Bits>(by_lane);
  }

  void select(const T* x, T* y, const std::uint16_t* bits, Index count) const {
    const std::uint16_t threshold = threshold_;  // copies: y might be where the members are
    const T kept = kept_;
    const auto at = [=](Index i) { y[i] = bits[i] >= threshold ? x[i] * kept : T{0}; };
    if (count == lanes * each)  // a count that the compiler knows makes a loop without a rest
#pragma omp simd
      for (Index i = 0; i < lanes * each; ++i) at(i);
    else if (count == each)
#pragma omp simd
      for (Index i = 0; i < each; ++i) at(i);
    else
      for (Index i = 0; i < count; ++i) at(i);
  }

  std::uint64_t key_;
  std::uint16_t threshold_;
  T kept_;
};

}  // namespace adjoint::kernels
