// Lesson 6: an operation of your own, kinks, and how to find out whether its derivative is right.
//
// After it you can add an operation to the library in 20 lines, have its derivative checked, and
// say what a derivative means where a function has a corner. It takes about 15 minutes and builds
// on lesson 4 (tensors) and lesson 5 (the check).

#include <cmath>
#include <iostream>

#include "adjoint.h"
#include "autograd/kernels/elementwise.h"
#include "examples/lesson.h"

namespace {

using namespace adjoint;
using lesson::claim, lesson::part, lesson::predict, lesson::say;

// ---- The operation -----------------------------------------------------------------------------

// log cosh x behaves like x²/2 near zero and like |x| far away: a loss that outliers do not
// dominate. Composed as log((eˣ + e⁻ˣ) / 2) it overflows for large x. As an operation of its own it
// does not.
struct LogCosh {
  static constexpr auto name = "log_cosh";
  static constexpr const char* rule[] = {"y = log cosh x", "x̄ = ȳ tanh x"};  // for readers
  static constexpr Operands reads = {input(0)};  // what vjp reads; the tape keeps no other values

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

  // From ȳ to x̄. It consists of operations, so it can be differentiated itself.
  Tensors vjp(const Pullback& back) const { return {back.cotangent() * tanh(back.input(0))}; }
};

// The planted bug: someone has taken the ½ in log((eˣ + e⁻ˣ) / 2) for a factor of the result.
struct HalfTooMany : LogCosh {
  static constexpr auto name = "log_cosh with a half too many";
  Tensors vjp(const Pullback& back) const { return {0.5 * back.cotangent() * tanh(back.input(0))}; }
};

// y = x for x > 0, and x/10 elsewhere. The slope is 1 on the right of 0 and 0.1 on the left. At 0
// there is no derivative, but vjp has to return something. We leave open what: a data member is an
// attribute of the operation, which is not differentiated.
struct LeakyRelu {
  double at_zero;  // the slope that vjp uses at x = 0
  static constexpr auto name = "leaky_relu";
  static constexpr const char* rule[] = {"y = max(x, x/10)", "x̄ = ȳ where x > 0, ȳ/10 where x < 0"};
  static constexpr Operands reads = {input(0)};
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    kernels::map(in[0].values<T>(), out[0].edit<T>(), [](T x) { return x > 0 ? x : x / 10; });
  }
  Tensors vjp(const Pullback& back) const {
    const Tensor &g = back.cotangent(), x = back.input(0), zero = scalar(0, g.dtype());
    return {where(greater(x, zero), g, where(less(x, zero), g / 10, at_zero * g))};
  }
};

// ---- The lesson --------------------------------------------------------------------------------

// Compares an operation's derivatives with differences. Order 2 checks its second ones as well.
template <class Op>
GradcheckReport check(const Op& op, const Tensor& points, int order) {
  const Tensor x = variable(points, "x");
  const GradcheckReport report =
      gradcheck([&](const Tensor& in) { return apply(op, in); }, x, {.order = order});
  say(text_from(report));
  return report;
}

void beside_its_formula() {
  part("An operation beside its formula");
  predict("What is log(0.5 * (exp(x) + exp(-x))) at x = 1000, computed in f64? And its slope?");
  const Tensor x = variable(tensor({-2.0, 0.0, 0.5, 1000.0}, DType::f64), "x");
  const Tensor y = apply(LogCosh{}, x), formula = log(0.5 * (exp(x) + exp(-x)));
  const Tensor slope = grad(sum(y), {x})[0], formula_slope = grad(sum(formula), {x})[0];
  std::cout << "x              " << x << "\nlog_cosh       " << y << "\nits formula    " << formula
            << "\nslope          " << slope << "\nformula's      " << formula_slope << '\n';
  claim("the value at 0.5 is the formula's", y.at({2}), formula.at({2}));
  claim("the slope at 0.5 is the formula's", slope.at({2}), formula_slope.at({2}));
  claim("at 1000 the value is 1000 − log 2", y.at({3}), 1000 - std::log(2.0));
  claim("at 1000 the slope is 1", slope.at({3}), 1);
}

void break_and_repair() {
  const Tensor points = tensor({-3.0, -0.5, 0.1, 2.0}, DType::f64);
  part("Break: a factor of one half");
  const GradcheckReport broken = check(HalfTooMany{}, points, 2);
  claim("the check fails", !broken);
  claim("the diagnosis says: a constant factor",
        broken.diagnoses.at(0).text.find("constant factor") != std::string::npos);
  claim("namely", broken.diagnoses.at(0).factor, 0.5, 1e-6);

  part("Repair");
  claim("x̄ = ȳ tanh x is right, and so is its own derivative", bool(check(LogCosh{}, points, 2)));
  say("The second derivative needed no further code, because vjp consists of operations. And the "
      "checker uses random ȳ. Had it looked at the gradient of sum(y), every ȳ would be 1, and a "
      "rule that forgets ȳ would pass.");
}

void kink() {
  part("A kink");
  predict(
      "leaky_relu has the slope 0.1 on the left of 0 and 1 on the right. Which slope does a "
      "central difference see at 0? What should a checker say of a rule that returns 0.1 there?");
  const Tensor y = apply(LeakyRelu{0.1}, tensor({-1e-3, 1e-3}, DType::f64));
  claim("a central difference sees the mean of both", (y.at({1}) - y.at({0})) / 2e-3, 0.55);
  say("At 0 there is no derivative. Each slope from 0.1 to 1 is a subgradient: a line through the "
      "corner with that slope stays below the function. A rule may return any of them. The checker "
      "reports the kink, which is not a failure, and refuses slopes outside of that range:");
  const Tensor points = tensor({-1.0, 0.0, 1.0}, DType::f64);
  const GradcheckReport left = check(LeakyRelu{0.1}, points, 1);
  claim("slope 0.1 is accepted, with a kink", left && left.count(Finding::Kind::kink) > 0);
  const auto accepts = [&](double slope) {
    return gradcheck([&](const Tensor& x) { return apply(LeakyRelu{slope}, x); }, points);
  };
  claim("slope 1 is accepted, too", bool(accepts(1)));
  claim("slope −1 is refused", !accepts(-1));
  say("Training hardly notices which slope it is, but it should be known. autograd/ops.h states "
      "the choice of each operation; for relu at 0 it is 0.");
}

void lesson_of_operations() {
  beside_its_formula();
  break_and_repair();
  kink();
}

}  // namespace

int main(int argc, char** argv) { return lesson::run(argc, argv, lesson_of_operations); }

// Break it yourself: delete `back.cotangent() *` in LogCosh::vjp and run again. All slopes stay
// right, but the claim "x̄ = ȳ tanh x is right" fails.
//
// Exercise: make an operation of two inputs, hypot(a, b) = √(a² + b²), that does not overflow for
// a = b = 1e200. Its vjp reads an output: ā = ȳ a / y, b̄ = ȳ b / y. What does it return at a = b =
// 0, and what should it? The solution is examples/solutions/06_own_operation.cpp.
