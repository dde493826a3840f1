// Lesson two: an operation of your own, and how to find out whether its derivative is right.
//
// log cosh x behaves like x²/2 near zero and like |x| far away: a loss that outliers do not
// dominate. Written as log((eˣ + e⁻ˣ) / 2) it overflows for large x. As an operation of its own it
// does not.

#include <cmath>
#include <iomanip>
#include <iostream>

#include "adjoint.h"
#include "autograd/kernels/elementwise.h"

namespace {

using namespace adjoint;

// ---- The operation -----------------------------------------------------------------------------

// y = log cosh x               x̄ = ȳ tanh x
struct LogCosh {
  static constexpr auto name = "log_cosh";
  static constexpr Operands reads = {input(0)};  // what the vjp reads; everything else can be freed

  // The form of the result, before anything is computed: here the input's shape and dtype.
  Form form(Inputs in) const { return in[0].form(); }

  // The values, in float or double:  log cosh x = |x| + log(1 + e^(−2|x|)) − log 2
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    kernels::map(in[0].values<T>(), out[0].edit<T>(), [](T x) {
      const T size = std::abs(x);
      return size + std::log1p(std::exp(-2 * size)) - std::log(T{2});
    });
  }

  // From ȳ to x̄. It consists of operations, so it can itself be differentiated.
  Tensors vjp(const Pullback& back) const { return {back.cotangent() * tanh(back.input(0))}; }
};

// ---- Three ways to get it wrong ----------------------------------------------------------------

struct WrongSign : LogCosh {
  static constexpr auto name = "log_cosh with a wrong sign";
  Tensors vjp(const Pullback& back) const { return {-(back.cotangent() * tanh(back.input(0)))}; }
};

// The gradient of sum(y) would not show this mistake: there, ȳ is 1 everywhere.
struct NoCotangent : LogCosh {
  static constexpr auto name = "log_cosh without the cotangent";
  Tensors vjp(const Pullback& back) const { return {tanh(back.input(0))}; }
};

// The numbers are right, but detached from x: the second derivative misses how they depend on x.
struct Detached : LogCosh {
  static constexpr auto name = "log_cosh detached";
  Tensors vjp(const Pullback& back) const {
    return {back.cotangent() * tanh(detach(back.input(0)))};
  }
};

// ---- The lesson --------------------------------------------------------------------------------

bool all_hold = true;

void claim(const char* what, bool holds) {
  all_hold &= holds;
  std::cout << (holds ? "  ok     " : "  WRONG  ") << what << '\n';
}

// Compares first and second derivatives with finite differences, at points of either sign.
template <class Op>
GradcheckReport check(const Op& op) {
  const Tensor x = variable(tensor({-3.0, -0.5, 0.1, 2.0}, DType::f64), "x");
  const GradcheckReport report =
      gradcheck([&](const Tensors& in) { return Tensors{apply(op, in[0])}; }, {x}, {.order = 2});
  std::cout << '\n' << Op::name << "\n  " << report << '\n';
  return report;
}

void lesson() {
  std::cout << "The operation agrees with the formula, and works where the formula overflows:\n";
  const Tensor x = variable(tensor({-2.0, 0.0, 0.5, 1000.0}, DType::f64), "x");
  const Tensor y = apply(LogCosh{}, x), formula = log(0.5 * (exp(x) + exp(-x)));
  const Tensor slope = grad(sum(y), {x})[0], formula_slope = grad(sum(formula), {x})[0];
  for (const char* title : {"x", "log_cosh", "formula", "slope", "formula's"})
    std::cout << std::setw(14) << title;
  std::cout << '\n' << std::setprecision(9);
  for (Index i = 0; i < x.size(0); ++i) {
    for (const Tensor& column : {x, y, formula, slope, formula_slope})
      std::cout << std::setw(14) << column.at({i});
    std::cout << '\n';
  }
  const auto same = [](const Tensor& a, const Tensor& b, Index i) {
    return std::abs(a.at({i}) - b.at({i})) < 1e-15;
  };
  for (Index i = 0; i < 3; ++i)
    claim("value and slope equal the formula's",
          same(y, formula, i) && same(slope, formula_slope, i));
  claim("no overflow at 1000", y.at({3}) == 1000 - std::log(2.0) && slope.at({3}) == 1);

  std::cout << "\nIs its derivative right? The checker's report:\n";
  claim("right to second order", bool(check(LogCosh{})));

  std::cout << "\nWould the checker have noticed a mistake? Three planted ones:\n";
  claim("a wrong sign is found", !check(WrongSign{}));
  const GradcheckReport no_cotangent = check(NoCotangent{});
  claim("a missing cotangent is found", !no_cotangent);
  claim("because a cotangent of zero gave a gradient",
        no_cotangent.count(Finding::Kind::not_linear) > 0);
  const GradcheckReport detached = check(Detached{});
  claim("a detached derivative is found", !detached);
  claim("at second order only", !detached.findings.empty() && detached.findings.front().order == 2);

  std::cout << (all_hold ? "\nAll claims hold.\n" : "\nA claim above does not hold.\n");
}

}  // namespace

int main() {
  lesson();
  require(bool(std::cout.flush()), "standard output cannot be written");
  return all_hold ? 0 : 1;
}
