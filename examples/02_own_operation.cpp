// Lesson two: an operation of your own, and how to find out whether its derivative is right.
//
// log cosh x behaves like x²/2 near zero and like |x| far away: a loss that outliers do not ruin.
// Written as log((eˣ + e⁻ˣ) / 2) it overflows; as an operation of its own it does not.

#include <cmath>
#include <cstdio>
#include <iostream>
#include <string>

#include "autograd/grad.h"
#include "autograd/gradcheck.h"
#include "autograd/kernels/elementwise.h"
#include "autograd/apply.h"
#include "autograd/ops.h"
#include "autograd/support/error.h"

namespace {

using namespace adjoint;

// ---- The operation -----------------------------------------------------------------------------

// y = log cosh x               x̄ = ȳ tanh x
struct LogCosh {
  static constexpr auto name = "log_cosh";
  static constexpr Operands reads = {input(0)};  // what the vjp looks at; all else may be forgotten

  // What comes out, before anything is computed: here the shape and type of what goes in.
  Form form(Inputs in) const { return in[0].form(); }

  // The values, for float and for double:  log cosh x = |x| + log(1 + e^(−2|x|)) − log 2
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    kernels::map(in[0].values<T>(), out[0].edit<T>(), [](T x) {
      const T size = std::abs(x);
      return size + std::log1p(std::exp(-2 * size)) - std::log(T{2});
    });
  }

  // From ȳ to x̄. It is written in operations, so that it can be differentiated in its turn.
  Tensors vjp(const Pullback& back) const { return {back.cotangent() * tanh(back.input(0))}; }
};

Tensor log_cosh(const Tensor& x) { return apply(LogCosh{}, x); }

// ---- Three ways to get it wrong ----------------------------------------------------------------

struct WrongSign : LogCosh {
  static constexpr auto name = "log_cosh with a wrong sign";
  Tensors vjp(const Pullback& back) const { return {-(back.cotangent() * tanh(back.input(0)))}; }
};

// Nobody who only ever differentiates sum(y) would notice: there, ȳ is 1 throughout.
struct NoCotangent : LogCosh {
  static constexpr auto name = "log_cosh without the cotangent";
  Tensors vjp(const Pullback& back) const { return {tanh(back.input(0))}; }
};

// The right numbers, but cut off from x: what depends on x in them is lost to the next derivative.
struct CutOff : LogCosh {
  static constexpr auto name = "log_cosh cut off";
  Tensors vjp(const Pullback& back) const {
    return {back.cotangent() * tanh(detach(back.input(0)))};
  }
};

// ---- The lesson --------------------------------------------------------------------------------

bool all_hold = true;

void claim(const std::string& what, bool holds) {
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

int lesson() {
  std::cout << "It computes what it should, where the formula can be computed and beyond:\n";
  const Tensor x = variable(tensor({-2.0, 0.0, 0.5, 1000.0}, DType::f64), "x");
  const Tensor y = log_cosh(x), formula = log(0.5 * (exp(x) + exp(-x)));
  const Tensor gradient = grad(sum(y), {x})[0], formula_gradient = grad(sum(formula), {x})[0];
  std::printf("  %8s  %12s %12s  %12s %12s\n", "x", "log_cosh", "formula", "its slope",
              "formula's");
  for (Index i = 0; i < x.size(0); ++i)
    std::printf("  %8g  %12.9f %12.9f  %12.9f %12.9f\n", x.at({i}), y.at({i}), formula.at({i}),
                gradient.at({i}), formula_gradient.at({i}));
  const auto same = [&](const Tensor& a, const Tensor& b, Index i) {
    return std::abs(a.at({i}) - b.at({i})) < 1e-15;
  };
  for (Index i = 0; i < 3; ++i)
    claim("value and slope of the formula",
          same(y, formula, i) && same(gradient, formula_gradient, i));
  claim("no overflow at 1000", y.at({3}) == 1000 - std::log(2.0) && gradient.at({3}) == 1);

  std::cout << "\nIs its derivative right? The checker's report:\n";
  claim("to second order", bool(check(LogCosh{})));

  std::cout << "\nWould the checker have noticed? Three faults, planted:\n";
  claim("the wrong sign is found", !check(WrongSign{}));
  const GradcheckReport forgotten = check(NoCotangent{});
  claim("so is the cotangent that was left out", !forgotten);
  claim("cotangent zero gave a gradient", forgotten.count(Finding::Kind::not_linear) > 0);
  const GradcheckReport cut = check(CutOff{});
  claim("and a derivative that stops at the first order", !cut);
  claim("only there", !cut.findings.empty() && cut.findings.front().order == 2);

  std::cout << (all_hold ? "\nAll of it holds.\n" : "\nSomething above does not hold.\n");
  return all_hold ? 0 : 1;
}

}  // namespace

int main() {
  try {
    const int status = lesson();
    require(std::cout.flush().good(), "standard output: cannot be written");
    return status;
  } catch (const Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
