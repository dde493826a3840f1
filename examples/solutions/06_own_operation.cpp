// The exercise of lesson 6: make an operation of two inputs, hypot(a, b) = √(a² + b²), that does
// not overflow for a = b = 1e200. Its vjp reads an output: ā = ȳ a / y, b̄ = ȳ b / y. What does it
// return at a = b = 0, and what should it?
//
// There it is 0 / 0 = NaN, which would destroy every parameter behind it. The graph is a cone with
// its tip at 0, and every vector of length up to 1 is a subgradient. We choose 0, the middle.

#include <cmath>
#include <iostream>

#include "autograd/kernels/elementwise.h"
#include "examples/adjoint.h"
#include "examples/lesson.h"

namespace {

using namespace adjoint;
using lesson::claim;

struct Hypot {
  static constexpr auto name = "hypot";
  static constexpr const char* rule[] = {"y = √(a² + b²)", "ā = ȳ a / y", "b̄ = ȳ b / y"};
  static constexpr Operands reads = {input(0), input(1), output(0)};

  Form form(Inputs in) const {
    require(in[0].shape() == in[1].shape(), "hypot: the shapes differ: a is ", in[0].shape(),
            ", b is ", in[1].shape());
    return in[0].form();
  }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const auto a = in[0].values<T>(), b = in[1].values<T>();
    const auto y = out[0].edit<T>();
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = std::hypot(a[i], b[i]);
  }
  // The divisor is made safe before the division: where() afterwards would come too late for the
  // second derivative. a is 0 where y is, and 0 / 1 = 0.
  Tensors vjp(const Pullback& back) const {
    const Tensor &g = back.cotangent(), y = back.output(0);
    const Tensor safe = where(equal(y, scalar(0, y.dtype())), scalar(1, y.dtype()), y);
    return back.gradients([&] { return g * back.input(0) / safe; },
                          [&] { return g * back.input(1) / safe; });
  }
};

Tensor hypot(const Tensor& a, const Tensor& b) { return apply(Hypot{}, a, b); }

void solution() {
  const Tensor a = variable(tensor({3.0, -1.0, 0.5}, DType::f64), "a");
  const Tensor b = variable(tensor({4.0, 2.0, -0.1}, DType::f64), "b");
  const GradcheckReport report = gradcheck(
      [](const Tensors& in) { return Tensors{hypot(in[0], in[1])}; }, {a, b}, {.order = 2});
  std::cout << report << '\n';
  claim("both rules are right to second order", bool(report));

  const Tensor huge = variable(scalar(1e200, DType::f64)), zero = variable(scalar(0, DType::f64));
  claim("√2 · 1e200 does not overflow", hypot(huge, huge).item() / 1e200, std::sqrt(2.0));
  claim("its slope there", grad(hypot(huge, huge), {huge})[0].item(), std::sqrt(2.0));
  claim("the slope at a = b = 0", grad(hypot(zero, zero), {zero})[0].item(), 0);
}

}  // namespace

int main(int argc, char** argv) { return lesson::run(argc, argv, solution); }
