#include "tests/benchmarks/limits.h"

#include <vector>

#include "autograd/kernels/matmul.h"
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
  constexpr Index size = 1024;
  const std::vector<float> a(size * size, 0.5F), b(size * size, 0.25F);
  std::vector<float> c(size * size);
  const Timing time = measure(seconds, [&] {
    kernels::matmul_on_this_thread<float>({.rows = size,
                                           .columns = size,
                                           .inner = size,
                                           .a = {a.data(), size},
                                           .b = {b.data(), size},
                                           .c = c.data(),
                                           .stride = size});
  });
  return 2.0 * size * size * size / (time.min_ms / 1e3);
}

}  // namespace adjoint::benchmarks
