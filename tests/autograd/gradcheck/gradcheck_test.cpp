// The checker must be right in both directions: wrong gradients fail and right ones pass. Kinks,
// jumps and nondeterministic functions must be recognised.
#include "autograd/gradcheck.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <sstream>

#include "autograd/apply.h"
#include "autograd/ops.h"
#include "autograd/tools/anomaly.h"
#include "tests/autograd/gradcheck/support.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;
using Kind = Finding::Kind;

// ---- Operations with a wrong derivative --------------------------------------------------------

enum class Flaw { none, sign, factor, missing_term, small };

// y = x² + x   x̄ = ȳ (2x + 1), or a wrong variant
struct Parabola {
  static constexpr auto name = "test_parabola";
  static constexpr Operands reads = {input(0)};
  Flaw flaw = Flaw::none;
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const auto x = in[0].values<T>();
    const auto y = out[0].edit<T>();
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] * x[i] + x[i];
  }
  Tensors vjp(const Pullback& back) const {
    const Tensor x = back.input(0), g = back.cotangent();
    switch (flaw) {
      case Flaw::sign:
        return {-(g * (2 * x + 1))};
      case Flaw::factor:
        return {2 * (g * (2 * x + 1))};
      case Flaw::missing_term:
        return {g * (2 * x)};
      case Flaw::small:
        return {(1 + 1e-6) * (g * (2 * x + 1))};
      case Flaw::none:
        break;
    }
    return {g * (2 * x + 1)};
  }
};
Function parabola(Flaw flaw) {
  return [flaw](const Tensors& x) { return Tensors{apply(Parabola{flaw}, x[0])}; };
}

// y = x A, with x̄ = ȳ A instead of ȳ Aᵀ: for a square A the shapes match.
struct TransposedProduct {
  static constexpr auto name = "test_transposed_product";
  static constexpr Operands reads = {input(0), input(1)};
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const Tensor product = matmul(detach(in[0]), detach(in[1]));
    std::ranges::copy(product.values<T>(), out[0].edit<T>().begin());
  }
  Tensors vjp(const Pullback& back) const {
    const Tensor g = back.cotangent();
    return {matmul(g, back.input(1)), matmul(back.input(0), g, Transposed::a)};
  }
};

// y = softmax(x), with x̄ = factor · y ⊙ (ȳ − ⟨ȳ, y⟩): right for
// every factor if ȳ = 1, the cotangent of sum(y).
struct ScaledSoftmax {
  static constexpr auto name = "test_scaled_softmax";
  static constexpr Operands reads = {output(0)};
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const Tensor y = softmax(detach(in[0]));
    std::ranges::copy(y.values<T>(), out[0].edit<T>().begin());
  }
  Tensors vjp(const Pullback& back) const {
    const Tensor y = back.output(0), g = back.cotangent();
    return {1.5 * (y * (g - sum(g * y, {-1}, Keep::yes)))};
  }
};

// y = x³ with the right x̄, whose own derivative is wrong: detached, 3x² counts as a constant.
struct OnceCube {
  static constexpr auto name = "test_once_cube";
  static constexpr Operands reads = {input(0)};
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const auto x = in[0].values<T>();
    const auto y = out[0].edit<T>();
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] * x[i] * x[i];
  }
  Tensors vjp(const Pullback& back) const {
    const Tensor x = detach(back.input(0));
    return {back.cotangent() * (3 * x * x)};
  }
};

// y = x, x̄ = |ȳ|: right for cotangents without a negative element, but not linear.
// y = x, x̄ = ȳ + 1: wrong for every cotangent, and nonzero for ȳ = 0.
struct OddIdentity {
  static constexpr auto name = "test_odd_identity";
  static constexpr Operands reads = {};
  bool plus_one;
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    std::ranges::copy(in[0].values<T>(), out[0].edit<T>().begin());
  }
  Tensors vjp(const Pullback& back) const {
    const Tensor g = back.cotangent();
    return {plus_one ? g + 1 : abs(g)};
  }
};

// 1 for x < 0, otherwise 2: the value jumps at 0.
Tensor step(const Tensor& x) {
  return where(less(x, zeros({}, x.dtype())), ones({}, x.dtype()), full({}, 2, x.dtype()));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(gradcheck_suite)

// ---- Right gradients pass ----------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(right_gradients_pass_to_third_order) {
  const GradcheckReport report = gradcheck(parabola(Flaw::none), {random({2, 3}, 1)}, {.order = 3});
  BOOST_TEST(report);
  BOOST_TEST(report.worst_error < 1e-9);
  BOOST_TEST(report.coverage.size() == 3u);
  BOOST_TEST(lines(printed(report)) == 1);
  BOOST_TEST(gradcheck(of_one(softmax), {random({2, 4}, 2)}, {.order = 3}));
  BOOST_TEST(gradcheck(of_one(tanh), {random({3}, 3)}, {.order = 4}));
  const Function product = [](const Tensors& x) { return Tensors{matmul(x[0], x[1])}; };
  BOOST_TEST(gradcheck(product, {random({2, 3}, 4), random({3, 2}, 5)}, {.order = 3}));
}

BOOST_AUTO_TEST_CASE(several_inputs_and_outputs_pass) {
  const Function f = [](const Tensors& x) {
    const Tensor rows = gather(x[0], x[1]);
    return Tensors{rows * x[2], exp(x[2]), argmax(x[0])};
  };
  const Tensor ids = tensor({2, 0, 2}, DType::i64);
  const GradcheckReport report =
      gradcheck(f, {random({3, 2}, 1), ids, random({2}, 2)}, {.order = 2});
  BOOST_TEST(report);
  BOOST_TEST(report.measurements.size() ==
             2u + 4u);  // order 2 has two cotangents as further inputs
}

BOOST_AUTO_TEST_CASE(awkward_magnitudes_pass) {
  for (const double size : {1e-8, 1e-3, 1e3, 1e8}) {
    const Tensor x = random({5}, 1) * size;
    BOOST_TEST(gradcheck(parabola(Flaw::none), {x}, {.order = 2}));
    BOOST_TEST(gradcheck(of_one(sin), {x}));
    BOOST_TEST(gradcheck(of_one(log), {abs(x)}, {.order = 2}));
  }
  const Function normalised = [](const Tensors& x) {
    return Tensors{layer_norm(x[0], x[1], x[2])};
  };
  const Tensor gain = random({4}, 2), bias = random({4}, 3), far = random({3, 4}, 1) + 1e4;
  BOOST_TEST(gradcheck(normalised, {far, gain, bias}, {.order = 2}));
  BOOST_TEST(gradcheck(normalised, {ones({3, 4}, DType::f64), gain, bias}, {.order = 2}));
  // Its tails are below the rounding of the cotangent in the gradient.
  const GradcheckReport tails = gradcheck(of_one(softmax), {random({3, 4}, 1) * 30}, {.order = 2});
  BOOST_TEST((tails.verdict() == Verdict::undecidable));
  const Tensor mixed = tensor({1e-9, 1, 1e6}, DType::f64);
  BOOST_TEST(gradcheck(of_one(log), {mixed}, {.order = 2}));
  BOOST_TEST(gradcheck(parabola(Flaw::none), {mixed}, {.order = 2}));
}

BOOST_AUTO_TEST_CASE(f32_inputs_are_checked_in_f64) {
  const Tensor x = normal({4}, 0, 1, Key(1));
  const GradcheckReport report = gradcheck(parabola(Flaw::none), {x}, {.order = 2});
  BOOST_TEST(report);
  BOOST_TEST(report.worst_error < 1e-9);
  BOOST_TEST(!gradcheck(parabola(Flaw::small), {x}));
}

BOOST_AUTO_TEST_CASE(rounding_within_the_function_is_allowed_for) {
  const Function single = [](const Tensors& x) { return Tensors{cast(x[0], DType::f32)}; };
  BOOST_TEST(gradcheck(single, {random({3}, 1)}));
  const Function inside = [](const Tensors& x) {
    return Tensors{cast(tanh(cast(x[0], DType::f32)), DType::f64)};
  };
  BOOST_TEST(gradcheck(inside, {random({3}, 1)}));
  const Function cancelling = [](const Tensors& x) { return Tensors{(x[0] + 1e6) - 1e6}; };
  BOOST_TEST(gradcheck(cancelling, {random({3}, 1)}));
}

BOOST_AUTO_TEST_CASE(a_check_of_nothing_does_not_pass) {
  const Tensor ids = zeros({2}, DType::i64);
  const auto nothing = [](const Tensors&) { return Tensors{}; };
  const auto for_want_of = [](const std::string& what) {
    return says("gradcheck: there is nothing to check: no " + what + " is real");
  };
  BOOST_CHECK_EXCEPTION(gradcheck(of_one(neg), {}), Error, for_want_of("input"));
  BOOST_CHECK_EXCEPTION(gradcheck(nothing, {ids}), Error, for_want_of("input"));
  BOOST_CHECK_EXCEPTION(gradcheck(nothing, {random({3}, 1)}), Error, for_want_of("output"));
}

BOOST_AUTO_TEST_CASE(an_empty_input_is_undecidable_and_an_independent_one_passes) {
  const Tensor empty = zeros({0, 3}, DType::f64), x = random({3}, 1);
  BOOST_CHECK(gradcheck(of_one(softmax), {empty}, {.order = 2}).verdict() == Verdict::undecidable);
  const Function second = [](const Tensors& in) { return Tensors{exp(in[1])}; };
  const GradcheckReport independent = gradcheck(second, {x, x}, {.order = 2});
  BOOST_TEST(independent);
  BOOST_TEST(independent.measurements[0].analytic.at({0, 0}) == 0);
  const Function constant = [](const Tensors&) { return Tensors{ones({2}, DType::f64)}; };
  BOOST_TEST(gradcheck(constant, {x}, {.order = 2}));
  const Function one = [](const Tensors& in) { return Tensors{sum(softmax(in[0]))}; };
  const GradcheckReport flat = gradcheck(one, {x}, {.order = 2});  // all derivatives are 0
  BOOST_TEST(flat);
  BOOST_TEST(flat.worst_error <= 1);
  const Function identity = [](const Tensors& in) { return in; };
  BOOST_TEST(gradcheck(identity, {x, x}, {.order = 2}));
}

// ---- Wrong gradients fail ----------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(wrong_gradients_fail) {
  for (const Flaw flaw : {Flaw::sign, Flaw::factor, Flaw::missing_term, Flaw::small}) {
    const GradcheckReport report = gradcheck(parabola(flaw), {random({2, 3}, 1)});
    BOOST_TEST(!report);
    BOOST_TEST(report.count(Kind::mismatch) == 6u);
  }
  const Tensor x = random({3, 3}, 1), a = random({3, 3}, 2);
  const Function product = [](const Tensors& in) {
    return Tensors{apply(TransposedProduct{}, in[0], in[1])};
  };
  const GradcheckReport transposed = gradcheck(product, {x, a});
  BOOST_TEST(transposed.count(Kind::mismatch) == 9u);
  BOOST_TEST(std::ranges::all_of(transposed.findings,
                                 [](const Finding& finding) { return finding.input == 0; }));
  BOOST_TEST(
      !gradcheck([](const Tensors& in) { return Tensors{apply(ScaledSoftmax{}, in[0])}; }, {x}));
}

BOOST_AUTO_TEST_CASE(without_the_jacobian_random_cotangents_suffice) {
  const Function f = [](const Tensors& x) { return Tensors{apply(Forgetful{57}, x[0])}; };
  const GradcheckReport report = gradcheck(f, {random({100}, 1)});
  BOOST_TEST(!report.coverage[0].jacobian);
  BOOST_TEST(report.findings.size() == 1u);
  BOOST_TEST(report.findings[0].where == "input 0[57]");
  BOOST_TEST(gradcheck(parabola(Flaw::none), {random({100}, 1)}, {.order = 2}));
}

BOOST_AUTO_TEST_CASE(measurements_are_kept) {
  const GradcheckReport report = gradcheck(parabola(Flaw::factor), {random({2, 2}, 1)});
  BOOST_TEST(report.measurements.size() == 1u);
  const Measurement& measured = report.measurements[0];
  BOOST_TEST(measured.name == "input 0");
  BOOST_TEST(measured.shape == (Shape{2, 2}));
  BOOST_TEST(measured.cotangents.shape() == (Shape{2 + 4, 4}));
  for (Index i = 0; i < 4; ++i)  // the Jacobian is diagonal
    BOOST_TEST(measured.analytic.at({2 + i, i}) == 2 * measured.numeric.at({2 + i, i}),
               boost::test_tools::tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(a_wrong_second_order_fails_in_the_second_order) {
  const Function cube = [](const Tensors& x) { return Tensors{apply(OnceCube{}, x[0])}; };
  BOOST_TEST(gradcheck(cube, {random({3}, 1)}));
  const Function beside_tiny = [](const Tensors& x) {
    return Tensors{apply(OnceCube{}, x[0]) + x[1]};
  };
  BOOST_TEST(!gradcheck(beside_tiny, {random({3}, 1), random({3}, 2) * 1e-8}, {.order = 2}));
  const GradcheckReport second = gradcheck(cube, {random({3}, 1)}, {.order = 3});
  BOOST_TEST(!second);
  BOOST_TEST(std::ranges::all_of(second.findings,
                                 [](const Finding& finding) { return finding.order == 2; }));
}

BOOST_AUTO_TEST_CASE(a_vjp_must_be_linear) {
  const auto odd = [](bool plus_one) {
    return [plus_one](const Tensors& x) { return Tensors{apply(OddIdentity{plus_one}, x[0])}; };
  };
  BOOST_TEST(gradcheck(odd(true), {random({3}, 1)}).count(Kind::not_linear) == 1u);
  // The single outputs alone, whose Jacobian is all zeros and ones, would not show this one.
  BOOST_TEST(gradcheck(odd(false), {random({5}, 1)}).count(Kind::mismatch) > 0u);
}

BOOST_AUTO_TEST_CASE(a_report_names_elements) {
  const Tensor weight = variable(random({2, 3}, 1), "weight");
  const std::string text = printed(gradcheck(parabola(Flaw::sign), {weight}));
  BOOST_TEST(text.find("weight[1, 2]") != std::string::npos);
  BOOST_TEST(lines(text) <= 10);
  const std::string named = printed(gradcheck(parabola(Flaw::sign), {weight}, {.names = {"x"}}));
  BOOST_TEST(named.find("x[0, 1]") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(inputs_that_are_not_used_are_named) {
  const Tensor x = variable(random({3}, 1), "x"), w = variable(random({3}, 2), "w");
  const Function f = [&](const Tensors& in) { return Tensors{in[0] * w}; };  // not in[1]
  const GradcheckReport report = gradcheck(f, {x, w});
  BOOST_TEST(report);
  BOOST_TEST((report.unused == std::vector<std::string>{"w"}));
  BOOST_TEST(printed(report).find("without influence: w") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_function_of_one_tensor_needs_no_lists) {
  BOOST_TEST(gradcheck([](const Tensor& x) { return tanh(x); }, random({3}, 1)));
}

BOOST_AUTO_TEST_CASE(misuse_is_refused) {
  const Tensor x = random({3}, 1);
  BOOST_CHECK_THROW(gradcheck(of_one(tanh), {x}, {.order = 0}), Error);
  BOOST_CHECK_THROW(gradcheck(Function(), {x}), Error);
  BOOST_CHECK_THROW(gradcheck(of_one(tanh), {Tensor()}), Error);
  BOOST_CHECK_THROW(gradcheck(of_one(tanh), {x}, {.names = {"x", "y"}}), Error);
}

// Steps may leave the domain, and the diagnosis marks unmeasured elements with NaN.
BOOST_AUTO_TEST_CASE(its_own_work_is_no_anomaly) {
  const DetectAnomaly guard;
  BOOST_TEST(gradcheck(of_one(log), {tensor({0.01, 1, 2}, DType::f64)}));
  BOOST_TEST(!gradcheck(parabola(Flaw::sign), {random({60, 70}, 1)}));
}

// ---- No function, or no derivative -------------------------------------------------

BOOST_AUTO_TEST_CASE(kinks_are_reported_and_do_not_fail) {
  const Tensor x = tensor({-1, 0, 2}, DType::f64);
  for (const Function& f : {of_one(relu), of_one(abs)}) {
    const GradcheckReport report = gradcheck(f, {x}, {.order = 2});
    BOOST_TEST(report);
    BOOST_TEST(report.count(Kind::kink) == 1u);
    BOOST_TEST(report.findings[0].where == "input 0[1]");
    BOOST_TEST(report.findings[0].note.starts_with("slopes "));
    BOOST_TEST(report.findings[0].note.ends_with(" and 1"));
  }
  const Function largest = [](const Tensors& in) { return Tensors{max(in[0])}; };
  const GradcheckReport tie = gradcheck(largest, {tensor({3, 1, 3}, DType::f64)}, {.order = 2});
  BOOST_TEST(tie);
  BOOST_TEST(tie.count(Kind::kink) == 2u);
}

BOOST_AUTO_TEST_CASE(at_a_kink_the_gradient_must_lie_between_the_slopes) {
  const Function doubled = [](const Tensors& x) {
    return Tensors{abs(x[0]) + apply(Parabola{Flaw::factor}, x[0]) - apply(Parabola{}, x[0])};
  };
  BOOST_TEST(gradcheck(doubled, {zeros({1}, DType::f64)}));  // 1 lies between −1 and 1
  const Function tripled = [](const Tensors& x) {
    return Tensors{abs(x[0]) + 3 * apply(Parabola{Flaw::factor}, x[0]) -
                   3 * apply(Parabola{}, x[0])};
  };
  BOOST_TEST(!gradcheck(tripled, {zeros({1}, DType::f64)}));
}

BOOST_AUTO_TEST_CASE(jumps_are_found) {
  const Tensor x = tensor({-1, 0, 2}, DType::f64);
  const GradcheckReport report =
      gradcheck([](const Tensors& in) { return Tensors{in[0] * step(in[0]) + step(in[0])}; }, {x});
  BOOST_TEST(!report);
  BOOST_TEST(report.findings.size() == 1u);
  BOOST_TEST(report.count(Kind::jump) == 1u);
}

BOOST_AUTO_TEST_CASE(nondeterminism_is_found) {
  std::uint64_t calls = 0;
  const Function noisy = [&calls](const Tensors& x) {
    return Tensors{x[0] + 1e-12 * normal({3}, 0, 1, Key(++calls), DType::f64)};
  };
  const GradcheckReport report = gradcheck(noisy, {random({3}, 1)});
  BOOST_TEST(!report);
  BOOST_TEST(report.count(Kind::nondeterministic) == 1u);
  BOOST_TEST(printed(report).find("output 0[0]") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(non_finite_values_are_found) {
  const auto count = [](const Function& f, const Tensor& x) {
    return gradcheck(f, {x}).count(Kind::not_finite);
  };
  const Tensor x = tensor({0, 1}, DType::f64);
  BOOST_TEST(count(of_one(log), x) == 1u);   // the value
  BOOST_TEST(count(of_one(sqrt), x) == 1u);  // the derivative
  BOOST_TEST(count(of_one(log), tensor({-1}, DType::f64)) == 1u);
  // The value is finite but the gradient is 0 · ∞: the well-known trap of masking after computing.
  const Function trap = [](const Tensors& in) {
    const Tensor zero = zeros({}, DType::f64);
    return Tensors{where(greater(in[0], zero), sqrt(in[0]), zero)};
  };
  BOOST_TEST(count(trap, tensor({-1, 1}, DType::f64)) == 1u);
  BOOST_TEST(std::isinf(gradcheck(trap, {tensor({-1, 1}, DType::f64)}).worst_error));
}

BOOST_AUTO_TEST_SUITE_END()
