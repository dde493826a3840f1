#include "tests/benchmarks/limits.h"

#include <vector>

#include "autograd/kernels/registers.h"
#include "tests/benchmarks/measuring.h"

namespace adjoint::benchmarks {

double memory_bandwidth(std::size_t floats, double seconds) {
  std::vector<float> a(floats, 0), b(floats, 1), c(floats, 2);
  const Timing time = measure(seconds, [&] {
    float* const to = a.data();
    const float *const from = b.data(), *const scaled = c.data();
#pragma omp simd
    for (std::size_t i = 0; i < floats; ++i) to[i] = from[i] + 3 * scaled[i];
  });
  return 3 * sizeof(float) * static_cast<double>(floats) / (time.min_ms / 1e3);
}

double arithmetic_peak(double seconds) {
  using kernels::Register;
  // Enough independent sums that each is finished when its turn comes again.
  constexpr Index sums = kernels::register_bytes == 64 ? 24 : 12;  // of 32 registers, or of 16
  constexpr Index rounds = 100'000, lanes = kernels::lanes<float>;
  const Register<float> a = kernels::filled(0.5F);
  const Timing time = measure(seconds, [&] {
    Register<float> sum[sums];  // with different starts: equal sums would be merged
#pragma GCC unroll 24
    for (Index i = 0; i < sums; ++i) sum[i] = kernels::filled(static_cast<float>(i));
    for (Index round = 0; round < rounds; ++round)
#pragma GCC unroll 24
      for (Index i = 0; i < sums; ++i) sum[i] = sum[i] * a + a;
    Register<float> total{};
#pragma GCC unroll 24
    for (Index i = 0; i < sums; ++i) total += sum[i];
    asm volatile("" : : "m"(total));  // it counts as used
  });
  return 2.0 * sums * rounds * lanes / (time.min_ms / 1e3);
}

}  // namespace adjoint::benchmarks
