// Element types. A tensor carries a run-time tag; `dispatch` turns the tag into the C++ type.
#pragma once

#include <concepts>
#include <cstdint>
#include <ostream>

#include "autograd/shape.h"
#include "autograd/support/error.h"

namespace adjoint {

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

}  // namespace adjoint
