// At a kink inside a function each operation follows its convention, and the whole may have another
// derivative than the sweep returns.
#include <boost/test/unit_test.hpp>

#include "tests/autograd/gradcheck/support.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;
using Kind = Finding::Kind;

// relu whose vjp returns `at_zero` · ȳ at 0, and `slope` · ȳ above.
struct MyRelu {
  static constexpr auto name = "test_relu";
  static constexpr Operands reads = {input(0)};
  double at_zero = 0, slope = 1;
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const auto x = in[0].values<T>();
    const auto y = out[0].edit<T>();
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = std::max(x[i], T{0});
  }
  Tensors vjp(const Pullback& back) const {
    const Tensor x = back.input(0), g = back.cotangent(), zero = zeros({}, x.dtype());
    return {where(equal(x, zero), at_zero * g, where(greater(x, zero), slope * g, 0 * g))};
  }
};

// Two layers on rows [3, 2], one of which is zero: every hidden unit of that row is at 0.
Tensors network(const Tensors& in, const MyRelu& activation) {
  const NameScope scope("hidden");
  return {matmul(apply(activation, matmul(in[0], in[1])), in[2])};
}
Function network(const MyRelu& activation) {
  return [activation](const Tensors& in) { return network(in, activation); };
}
const Tensors inputs = {variable(tensor({{1, -2}, {0, 0}, {0.5, 1}}, DType::f64), "x"),
                        variable(tensor({{1, -1, 2, 0.5}, {2, -0.5, -1, -1}}, DType::f64), "w"),
                        variable(tensor({{1, 2}, {-1, 3}, {1, -1}, {-2, 0.5}}, DType::f64), "v")};

// x = relu(x) − relu(−x)
Tensors identity(const Tensors& x) { return {relu(x[0]) - relu(-x[0])}; }

const Tensor at_zero = variable(tensor({0, 1, -2}, DType::f64), "x");

BOOST_AUTO_TEST_SUITE(gradcheck_conventions)

BOOST_AUTO_TEST_CASE(a_network_with_a_zero_row_passes_and_the_convention_is_named) {
  const GradcheckReport report = gradcheck(network({}), inputs);
  BOOST_TEST(report);
  BOOST_TEST(report.count(Kind::convention) > 0u);
  BOOST_TEST(!report.walk);
  BOOST_TEST(report.diagnoses.empty());
  BOOST_TEST(report.worst_error < 1e-6);
  const std::string text = printed(report);
  BOOST_TEST(lines(text) == 1);
  BOOST_TEST(text.find("convention at a kink") != std::string::npos, text);
  BOOST_TEST(text.find("test_relu (operation 2 of 3, in hidden) is at a kink") != std::string::npos,
             text);
}

BOOST_AUTO_TEST_CASE(a_smooth_sum_of_kinks_passes_to_second_order) {
  const GradcheckReport report = gradcheck(identity, {at_zero}, {.order = 2});
  BOOST_TEST(report);
  BOOST_TEST(report.count(Kind::convention) == 1u);
  BOOST_TEST(report.findings[0].where == "x[0]");
  BOOST_TEST(report.coverage.size() == 2u);
}

BOOST_AUTO_TEST_CASE(other_kinks_are_conventions_too) {
  const auto by_convention = [](const char* what, const Function& f, const Tensors& xs) {
    const GradcheckReport report = gradcheck(f, xs);
    BOOST_TEST(report, what << ": " << report);
    BOOST_TEST(report.count(Kind::convention) > 0u, what);
  };
  const Tensor zero = zeros({}, DType::f64), tied = tensor({{2, 2}, {0, 1}}, DType::f64);
  by_convention("abs and relu",
                [](const Tensors& x) {
                  return Tensors{2 * relu(x[0]) - abs(x[0]) * 3 + relu(-x[0]) * 5 + x[0]};
                },
                {at_zero});
  by_convention("maximum",
                [=](const Tensors& x) { return Tensors{maximum(x[0], zero) - relu(x[0])}; },
                {at_zero});
  by_convention("minimum",
                [=](const Tensors& x) { return Tensors{minimum(zero, x[0]) + relu(-x[0])}; },
                {at_zero});
  by_convention("clamp",
                [](const Tensors& x) { return Tensors{clamp(x[0], 0, 10) + clamp(x[0], -10, 0)}; },
                {at_zero});
  by_convention("max of tied rows",
                [](const Tensors& x) {
                  const Tensor a = slice(x[0], 1, 0, 1), b = slice(x[0], 1, 1, 2);
                  return Tensors{max(x[0], {1}, Keep::yes) - (b + relu(a - b))};
                },
                {tied});
  by_convention("a comparison",
                [=](const Tensors& x) {
                  const auto mine = [&](const Tensor& z) {
                    return where(greater(z, zero), z, zero * z);
                  };
                  return Tensors{mine(x[0]) - mine(-x[0])};
                },
                {at_zero});
  by_convention("argmax",
                [](const Tensors& x) {
                  return Tensors{gather(x[0], argmax(x[0])) + gather(x[0], argmax(-x[0]))};
                },
                {tensor({2, 2}, DType::f64)});
}

// Too many outputs to judge each, so the kink is checked by itself.
BOOST_AUTO_TEST_CASE(a_large_operation_is_judged_at_its_kinks) {
  Tensor x = random({300}, 1);
  x.edit<double>()[123] = 0;
  const auto f = [](const MyRelu& activation) {
    return [=](const Tensors& in) {
      return Tensors{apply(activation, in[0]) - apply(activation, -in[0])};
    };
  };
  BOOST_TEST(gradcheck(f({}), {x}).count(Kind::convention) == 1u);
  const GradcheckReport wrong = gradcheck(f({.at_zero = 3}), {x});
  BOOST_TEST((wrong.verdict() == Verdict::failed));
  BOOST_TEST_REQUIRE(wrong.walk.has_value());
  BOOST_TEST_REQUIRE(wrong.walk->culprit.has_value());
  BOOST_TEST(wrong.walk->culprit->operation == "test_relu");
}

// ---- A mistake in the same network still fails -------------------------------------------------

BOOST_AUTO_TEST_CASE(a_wrong_operation_at_a_kink_fails) {
  BOOST_TEST(!gradcheck(network({.slope = 1.01}), inputs));
  const GradcheckReport report = gradcheck(network({.at_zero = 2}), inputs);
  BOOST_TEST((report.verdict() == Verdict::failed));
  BOOST_TEST_REQUIRE(report.walk.has_value());
  BOOST_TEST_REQUIRE(report.walk->culprit.has_value());
  BOOST_TEST(report.walk->culprit->operation == "test_relu");
}

BOOST_AUTO_TEST_CASE(another_convention_between_the_slopes_is_none_the_worse) {
  BOOST_TEST(gradcheck(network({.at_zero = 1}), inputs));
  BOOST_TEST(gradcheck(network({.at_zero = 0.5}), inputs));
}

BOOST_AUTO_TEST_CASE(a_detached_value_beside_a_kink_fails) {
  const Function f = [](const Tensors& x) {
    return Tensors{identity(x)[0] * (1 + x[0] * detach(x[0]))};
  };
  BOOST_TEST((gradcheck(f, {at_zero}).verdict() == Verdict::failed));
  const Function forgetful = [](const Tensors& in) {
    return Tensors{network(in, {})[0] + sum(in[0] * detach(in[0]))};
  };
  BOOST_TEST((gradcheck(forgetful, inputs).verdict() == Verdict::failed));
}

// The gradient of `b` has nothing to do with the kink of `a`, and is wrong at this point only.
BOOST_AUTO_TEST_CASE(a_mistake_at_one_point_is_not_explained_by_a_kink_elsewhere) {
  const Function f = [](const Tensors& in) {
    const bool trap = in[1].at({0}) == 0.25;
    return Tensors{identity({in[0]})[0], trap ? sin(detach(in[1])) + 0 * in[1] : sin(in[1])};
  };
  const GradcheckReport report = gradcheck(f, {at_zero, variable(tensor({0.25}, DType::f64), "b")});
  BOOST_TEST((report.verdict() == Verdict::failed));
  BOOST_TEST(report.count(Kind::convention) == 1u);
  BOOST_TEST(report.count(Kind::mismatch) == 1u);
}

BOOST_AUTO_TEST_CASE(a_plain_kink_is_no_convention) {
  const GradcheckReport report = gradcheck(of_one(relu), {at_zero});
  BOOST_TEST(report);
  BOOST_TEST(report.count(Kind::kink) == 1u);
  BOOST_TEST(report.count(Kind::convention) == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
