// exp, log, tanh and others, many numbers at once.
//
// glibc has vector forms of these functions (libmvec). g++ uses them in a plain loop if the scalar
// function is declared to have one. No file needs -ffast-math: NaN and infinities survive.
#pragma once

#include <array>
#include <bit>
#include <cmath>

#include "autograd/kernels/registers.h"

#if defined(__GLIBC__) && defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define ADJOINT_VECTOR __attribute__((simd("notinbranch"), const))
#else
#define ADJOINT_VECTOR __attribute__((const))
#endif

extern "C" {
ADJOINT_VECTOR float expf(float) noexcept;
ADJOINT_VECTOR double exp(double) noexcept;
ADJOINT_VECTOR float logf(float) noexcept;
ADJOINT_VECTOR double log(double) noexcept;
ADJOINT_VECTOR float sinf(float) noexcept;
ADJOINT_VECTOR double sin(double) noexcept;
ADJOINT_VECTOR float cosf(float) noexcept;
ADJOINT_VECTOR double cos(double) noexcept;
ADJOINT_VECTOR float tanhf(float) noexcept;
ADJOINT_VECTOR double tanh(double) noexcept;
ADJOINT_VECTOR float erff(float) noexcept;
ADJOINT_VECTOR double erf(double) noexcept;
ADJOINT_VECTOR float powf(float, float) noexcept;
ADJOINT_VECTOR double pow(double, double) noexcept;
}
#undef ADJOINT_VECTOR

namespace adjoint::kernels {

inline float exp(float x) { return ::expf(x); }
inline double exp(double x) { return ::exp(x); }
inline float log(float x) { return ::logf(x); }
inline double log(double x) { return ::log(x); }
inline float sin(float x) { return ::sinf(x); }
inline double sin(double x) { return ::sin(x); }
inline float cos(float x) { return ::cosf(x); }
inline double cos(double x) { return ::cos(x); }
inline float tanh(float x) { return ::tanhf(x); }
inline double tanh(double x) { return ::tanh(x); }
inline float erf(float x) { return ::erff(x); }
inline double erf(double x) { return ::erf(x); }
inline float pow(float x, float y) { return ::powf(x, y); }
inline double pow(double x, double y) { return ::pow(x, y); }

// ---- Our own exp, for softmax ------------------------------------------------------------------

/// Constants for each type: ln 2 in two parts, where n times the first part is exact because it has
/// few digits; the terms of the series; and the x below which exp(x) is no normal number.
template <Real T>
struct ExpConstants {
  static constexpr T ln2_high = 0x1.62e4p-1F, ln2_low = 0x1.7f7d1cp-20F, smallest = -87;
  static constexpr int mantissa = 23, terms = 7;
};
template <>
struct ExpConstants<double> {
  static constexpr double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;
  static constexpr double smallest = -708;
  static constexpr int mantissa = 52, terms = 13;
};

/// exp(x) for x ≤ 0, to two units in the last place; 0 where the result would be no normal number;
/// NaN for NaN. Inlined, whereas a library call would spill all registers:
///   exp(x) = 2ⁿ exp(r),   n = x / ln 2 rounded,   r = x − n ln 2,   |r| ≤ ln 2 / 2
/// exp(r) comes from its Taylor series, whose remainder lies below the last place. Adding a number
/// so large that its last place is 1 rounds to n. The last bits of the sum are n; shifted to the
/// exponent, plus the exponent's bias, they are 2ⁿ.
template <Real T>
Register<T> exp_of_negative(const Register<T>& x) {
  using C = ExpConstants<T>;
  using Bits = typename RegisterTypes<T>::bits;
  constexpr T rounder = T{1.5} * static_cast<T>(std::int64_t{1} << C::mantissa);
  constexpr T one = 1, log2_e = static_cast<T>(1.44269504088896340736);
  constexpr auto inverse_factorials = [] {
    std::array<T, C::terms + 1> result{};
    double factorial = 1;
    for (int i = 0; i <= C::terms; factorial *= ++i)
      result[static_cast<std::size_t>(i)] = static_cast<T>(1 / factorial);
    return result;
  }();

  const Register<T> clamped = x < C::smallest ? filled(C::smallest) : x;
  const Register<T> shifted = clamped * log2_e + rounder;
  const Register<T> n = shifted - rounder;
  const Register<T> r = clamped - n * C::ln2_high - n * C::ln2_low;
  Register<T> series = filled(inverse_factorials[C::terms]);
  for (std::size_t i = C::terms; i-- > 0;) series = series * r + inverse_factorials[i];
  const Bits power = (std::bit_cast<Bits>(shifted) << C::mantissa) +
                     std::bit_cast<typename RegisterTypes<T>::Bit>(one);
  return x < C::smallest ? Register<T>{} : series * std::bit_cast<Register<T>>(power);
}

}  // namespace adjoint::kernels
