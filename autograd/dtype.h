// Element types. A tensor carries a run-time tag; `dispatch` turns the tag into the C++ type.
#pragma once

#include <concepts>
#include <cstdint>
#include <iomanip>
#include <limits>
#include <ostream>
#include <utility>

#include "autograd/shape.h"
#include "autograd/support/error.h"

namespace adjoint {

/// The type of a tensor's elements.
enum class DType : std::uint8_t {
  f32,  ///< for training
  f64,  ///< for checking
  i64,  ///< token ids, indices
  b8,   ///< conditions: one byte, 0 or 1
};

template <class T>
concept Real = std::same_as<T, float> || std::same_as<T, double>;
template <class T>
concept Scalar = Real<T> || std::same_as<T, Index> || std::same_as<T, bool>;

template <Scalar T>
constexpr DType dtype_of = std::same_as<T, float>    ? DType::f32
                           : std::same_as<T, double> ? DType::f64
                           : std::same_as<T, Index>  ? DType::i64
                                                     : DType::b8;

constexpr bool is_real(DType dtype) { return dtype == DType::f32 || dtype == DType::f64; }

constexpr std::size_t size_of(DType dtype) {
  return dtype == DType::f32 ? 4 : dtype == DType::b8 ? 1 : 8;
}

inline const char* name_of(DType dtype) {
  constexpr const char* names[] = {"f32", "f64", "i64", "b8"};
  return names[static_cast<int>(dtype)];
}
inline std::ostream& operator<<(std::ostream& stream, DType dtype) {
  return stream << name_of(dtype);
}

/// Calls `f.template operator()<T>()` with the C++ type of the tag.
template <class F>
decltype(auto) dispatch(DType dtype, F&& f) {
  switch (dtype) {
    case DType::f32:
      return f.template operator()<float>();
    case DType::f64:
      return f.template operator()<double>();
    case DType::i64:
      return f.template operator()<Index>();
    case DType::b8:
      break;
  }
  return f.template operator()<bool>();
}

// ---- From one type to another
// --------------------------------------------------------------------

namespace detail {
template <class From>
[[noreturn]] void refuse_to_hold(const char* operation, From value) {
  fail(operation, ": i64 holds whole numbers from −2⁶³ to 2⁶³ − 1, not ",
       std::setprecision(std::numeric_limits<From>::digits10), value);
}
}  // namespace detail

/// Converts a value to another element type. f32 and f64 round to the nearest; b8 is false for 0
/// and true for everything else, NaN included. Error, named after the operation, if i64 cannot hold
/// the exact value: 1.5, NaN, 2⁶³.
template <Scalar To, class From>
requires std::is_arithmetic_v<From> To convert(const char* operation, From value) {
  if constexpr (std::same_as<To, bool>) {
    return value != From{0};
  } else if constexpr (std::same_as<To, Index> && std::floating_point<From>) {
    const bool in_range = value >= From{-0x1p63} && value < From{0x1p63};
    if (!in_range || static_cast<From>(static_cast<Index>(value)) != value) [[unlikely]]
      detail::refuse_to_hold(operation, value);
    return static_cast<Index>(value);
  } else if constexpr (std::same_as<To, Index> && std::unsigned_integral<From> &&
                       sizeof(From) == sizeof(Index)) {
    if (value > From{std::numeric_limits<Index>::max()}) [[unlikely]]
      detail::refuse_to_hold(operation, value);
    return static_cast<Index>(value);
  } else {
    return static_cast<To>(value);
  }
}

/// A C++ number given for an element of any type. Integers keep all their digits.
class Number {
 public:
  template <class T>
  requires std::is_arithmetic_v<T> Number(T value) : whole_(std::integral<T>) {
    if constexpr (std::integral<T>)
      integer_ = convert<Index>("number", value);
    else
      real_ = static_cast<double>(value);
  }
  template <Scalar T>
  T as(const char* operation) const {
    return whole_ ? convert<T>(operation, integer_) : convert<T>(operation, real_);
  }

 private:
  bool whole_;
  Index integer_ = 0;
  double real_ = 0;
};

}  // namespace adjoint
