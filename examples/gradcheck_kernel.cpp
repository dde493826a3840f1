// Checks the derivative of a kernel that is written in C, CUDA or Fortran. Copy this file, write
// your kernel's name and arguments into it, and link it with your kernel (gradcheck/README.md says
// how). The kernel checked here is gradcheck_kernel/rms_norm.c.

#include <cmath>
#include <iostream>

#include "autograd/gradcheck/arrays.h"

extern "C" {
void rms_norm_forward(const float* x, const float* gain, float* y, int rows, int columns);
void rms_norm_backward(const float* x, const float* gain, const float* dy, float* dx, float* dgain,
                       int rows, int columns);
}

namespace {

constexpr int rows = 3, columns = 5;

// Any values will do at which the function is smooth.
std::vector<float> values(int count, float shift) {
  std::vector<float> result;
  for (int i = 0; i < count; ++i) result.push_back(shift + std::sin(static_cast<float>(7 * i + 1)));
  return result;
}

adjoint::GradcheckReport check() {
  return adjoint::check_vjp<float>(
      // in[0] is x, in[1] is the gain; a kernel on a GPU would copy them there and back
      [](auto& in, auto& out) {
        rms_norm_forward(in[0].data(), in[1].data(), out[0].data(), rows, columns);
      },
      [](auto& in, auto& /*out*/, auto& cotangents, auto& gradients) {
        rms_norm_backward(in[0].data(), in[1].data(), cotangents[0].data(), gradients[0].data(),
                          gradients[1].data(), rows, columns);
      },
      {{"x", {rows, columns}, values(rows * columns, 0)}, {"gain", {columns}, values(columns, 2)}},
      {{"y", {rows, columns}}});
}

}  // namespace

int main() {
  const adjoint::GradcheckReport report = check();
  std::cout << report << std::endl;
  return report ? 0 : 1;
}
