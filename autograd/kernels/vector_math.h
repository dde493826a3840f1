// exp, log, tanh and the like for whole registers.
//
// glibc has vector forms of these (libmvec). g++ uses them in a plain loop once the scalar function
// is declared as having one; no file needs -ffast-math, and NaN and infinities survive.
#pragma once

#include <cmath>

#include "autograd/dtype.h"

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

}  // namespace adjoint::kernels
