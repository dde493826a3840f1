// The limits of this machine on one thread, measured in the same run as what they limit.
#pragma once

#include <cstddef>

namespace adjoint::benchmarks {

/// Bytes per second of a[i] = b[i] + s·c[i] over three arrays of `floats` floats (McCalpin's
/// triad).
double memory_bandwidth(std::size_t floats, double seconds);
/// Floating point operations per second with all operands in registers.
double arithmetic_peak(double seconds);

}  // namespace adjoint::benchmarks
