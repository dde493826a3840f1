// What this machine can do at most, measured beside what is compared with it. On one thread.
#pragma once

#include <cstddef>

namespace adjoint::benchmarks {

/// Bytes per second of a[i] = b[i] + s·c[i] over three arrays of so many floats (McCalpin's triad).
double memory_bandwidth(std::size_t floats, double seconds);
/// Floating point operations per second where everything is in registers.
double arithmetic_peak(double seconds);

}  // namespace adjoint::benchmarks
