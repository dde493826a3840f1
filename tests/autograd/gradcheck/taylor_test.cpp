// The Taylor test: rate 2 for right gradients, a lower one for wrong gradients, and no claim where
// the rate means nothing.
#include "autograd/gradcheck/taylor.h"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "tests/autograd/gradcheck/support.h"
#include "tests/autograd/ops/samples.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;
using checking::TangentLine;
using Kind = TaylorRate::Kind;
using Phi = std::function<double(double)>;

constexpr double rounding = 0x1p-53;

// The rate of φ at 0 with a claimed slope.
TaylorRate rate_of(const Phi& phi, double slope, double noise = rounding) {
  return checking::taylor_rate({.change = [&](double h) -> std::optional<double> {
                                  const double change = phi(h) - phi(0);
                                  return std::isfinite(change) ? std::optional(change)
                                                               : std::nullopt;
                                },
                                .slope = slope,
                                .size = std::abs(slope),
                                .noise = noise});
}

// y = f(x), but the vjp multiplies the gradient of element `wrong` by `factor`, or of all if it is
// −1.
struct Scaled {
  static constexpr auto name = "test_scaled";
  static constexpr Operands reads = {};
  double factor;
  Index wrong = -1;
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    std::ranges::copy(in[0].values<T>(), out[0].edit<T>().begin());
  }
  Tensors vjp(const Pullback& back) const {
    if (wrong < 0) return {factor * back.cotangent()};
    Tensor gradient = copy(back.cotangent());
    gradient.edit<double>()[static_cast<std::size_t>(wrong)] *= factor;
    return {gradient};
  }
};

// All that is measured is projections and no single element, so that little else finds a mistake.
const GradcheckOptions projected = {.elements_up_to = 0, .coordinates = 0, .walk = false};

BOOST_AUTO_TEST_SUITE(gradcheck_taylor)

// ---- Functions of one variable -----------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_right_slope_has_rate_2) {
  const std::vector<std::pair<Phi, double>> functions = {
      {[](double h) { return std::exp(h); }, 1},
      {[](double h) { return std::sin(1 + h); }, std::cos(1)},
      {[](double h) { return h * h + h; }, 1},
      {[](double h) { return std::log(1 + h); }, 1},
      {[](double h) { return 1e6 * std::exp(3 * h); }, 3e6},
      {[](double h) { return 1e-9 * std::exp(h); }, 1e-9}};
  for (const auto& [phi, slope] : functions) {
    const TaylorRate rate = rate_of(phi, slope, std::abs(phi(0)) * rounding);
    BOOST_TEST(name_of(rate.kind) == name_of(Kind::right));
    BOOST_TEST(std::abs(rate.rate - 2) < 0.01, rate);
    BOOST_TEST(rate.steps.size() >= 4u);
  }
}

BOOST_AUTO_TEST_CASE(a_wrong_slope_has_a_lower_rate) {
  for (const double mistake : {-2.0, 1.0, 0.1, 0.01, -0.01, 1e-4, 1e-6}) {
    const TaylorRate rate = rate_of([](double h) { return std::exp(h); }, 1 + mistake);
    BOOST_TEST(name_of(rate.kind) == name_of(Kind::wrong));
    BOOST_TEST(rate.rate < 1.9, rate);
    BOOST_TEST(std::abs(rate.slope_error + mistake) <= 1e-3 * std::abs(mistake));
  }
}

BOOST_AUTO_TEST_CASE(a_straight_function_has_no_remainder) {
  const Phi straight = [](double h) { return 3 * h + 1; };
  BOOST_TEST(name_of(rate_of(straight, 3).kind) == name_of(Kind::straight));
  const TaylorRate wrong = rate_of(straight, 3.03);
  BOOST_TEST(name_of(wrong.kind) == name_of(Kind::wrong));
  BOOST_TEST(std::abs(wrong.rate - 1) < 0.01);
  BOOST_TEST(name_of(rate_of([](double) { return 5.0; }, 0).kind) == name_of(Kind::straight));
}

BOOST_AUTO_TEST_CASE(a_vanishing_second_derivative_is_right_as_well) {
  const TaylorRate cubic = rate_of([](double h) { return std::sin(h); }, 1);
  BOOST_TEST(name_of(cubic.kind) == name_of(Kind::right));
  BOOST_TEST(std::abs(cubic.rate - 3) < 0.05, cubic);
  BOOST_TEST(name_of(rate_of([](double h) { return std::sin(h); }, 1.01).kind) ==
             name_of(Kind::wrong));
}

BOOST_AUTO_TEST_CASE(steps_that_are_too_large_are_left_out) {
  const Phi quick = [](double h) { return std::sin(1 + 1000 * h); };
  const TaylorRate rate = rate_of(quick, 1000 * std::cos(1));
  BOOST_TEST(std::abs(rate.rate - 2) < 0.05, rate);
  BOOST_TEST(rate.steps.front().h < 1e-3);
  const Phi kink_beside = [](double h) { return std::exp(h) + std::max(0.0, h - 1e-3); };
  BOOST_TEST(std::abs(rate_of(kink_beside, 1).rate - 2) < 0.05);
  const Phi edge = [](double h) { return h > 0.01 ? std::nan("") : std::exp(h); };
  BOOST_TEST(std::abs(rate_of(edge, 1).rate - 2) < 0.05);
}

// A function that is computed in f32 is a staircase: on a step it has the slope 0.
BOOST_AUTO_TEST_CASE(rounding_is_not_taken_for_a_remainder) {
  for (const double size : {1.0, 10.0, 1000.0}) {
    const Phi coarse = [=](double h) {
      return static_cast<double>(static_cast<float>(size + std::exp(h)));
    };
    BOOST_TEST(name_of(rate_of(coarse, 1).kind) != name_of(Kind::wrong), size);
    const Phi straight = [=](double h) {
      return static_cast<double>(static_cast<float>(size + h / 3));
    };
    BOOST_TEST(name_of(rate_of(straight, 1.0 / 3).kind) != name_of(Kind::wrong), size);
  }
  const Phi cancelling = [](double h) { return (std::exp(h) + 1e8) - 1e8; };
  BOOST_TEST(name_of(rate_of(cancelling, 1).kind) != name_of(Kind::wrong));
  const Phi wrong = [](double h) { return static_cast<double>(static_cast<float>(std::exp(h))); };
  BOOST_TEST(name_of(rate_of(wrong, 1.01).kind) == name_of(Kind::wrong));
}

BOOST_AUTO_TEST_CASE(where_there_is_no_derivative_there_is_no_rate) {
  for (const Phi& phi :
       {Phi([](double h) { return std::abs(h); }), Phi([](double h) { return std::max(h, 0.0); }),
        Phi([](double h) { return std::exp(h) + std::abs(h); })})
    BOOST_TEST(name_of(rate_of(phi, 0.5).kind) == name_of(Kind::undecided));
  for (const Phi& phi : {Phi([](double h) { return h > 0 ? 1.0 : 0.0; }),
                         Phi([](double h) { return std::sqrt(std::abs(h)); }),
                         Phi([](double h) { return std::sin(1e8 * h + 1); }),
                         Phi([](double h) { return h == 0 ? 0.0 : std::nan(""); })}) {
    const TaylorRate rate = rate_of(phi, 1e8 * std::cos(1));
    BOOST_TEST(name_of(rate.kind) == name_of(Kind::undecided));
    BOOST_TEST(!rate.note.empty());
  }
}

// The sweep adds up terms that cancel; the function itself does not move.
BOOST_AUTO_TEST_CASE(the_rounding_of_the_slope_is_allowed_for) {
  const auto kind = [](double slope_rounding) {
    const checking::TangentLine line{.change = [](double) { return std::optional(0.0); },
                                     .slope = 1e-16,
                                     .size = 1e-16,
                                     .noise = 1e-30,
                                     .slope_rounding = slope_rounding};
    return std::string(name_of(checking::taylor_rate(line).kind));
  };
  BOOST_TEST(kind(0) == "wrong");
  BOOST_TEST(kind(1e-16) == "straight");
}

// ---- In the checker ----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(right_operations_have_rate_2) {
  int rates = 0;
  for (const Sample& sample : samples()) {
    if (!sample.smooth) continue;
    const Function f = [&](const Tensors& xs) { return Tensors{sample.f(xs)}; };
    const GradcheckReport report = gradcheck(f, sample.make(Key(20240229)), projected);
    if (report.taylor.empty()) continue;  // no elements
    const TaylorRate& taylor = report.taylor.at(0);
    std::ostringstream table;
    table << taylor;
    BOOST_TEST((taylor.kind == Kind::straight || std::abs(taylor.rate - 2) <= 0.05),
               sample.name() << ": " << table.str());
    rates += taylor.kind == Kind::right;
  }
  BOOST_TEST(rates >= 100);
}

BOOST_AUTO_TEST_CASE(a_gradient_wrong_by_one_percent_is_seen) {
  const Tensor x = random({20}, 1);
  for (const Index element : {Index{-1}, Index{7}}) {
    const Function f = [=](const Tensors& in) {
      return Tensors{exp(apply(Scaled{1.01, element}, in[0]))};
    };
    const GradcheckReport report = gradcheck(f, {x}, projected);
    BOOST_TEST(!report);
    BOOST_REQUIRE(report.taylor.size() == 1u);
    BOOST_TEST(name_of(report.taylor[0].kind) == name_of(Kind::wrong));
    BOOST_TEST(report.taylor[0].rate < 1.5);
  }
}

BOOST_AUTO_TEST_CASE(every_operation_wrong_by_one_percent_is_seen) {
  int seen = 0;
  for (const Sample& sample : samples()) {
    if (!sample.smooth) continue;
    const Function f = [&](const Tensors& xs) {
      Tensors scaled;
      for (const Tensor& x : xs) scaled.push_back(apply(Scaled{1.01}, x));
      return Tensors{sample.f(scaled)};
    };
    const GradcheckReport report = gradcheck(f, sample.make(Key(20240229)), projected);
    if (report.taylor.empty()) continue;  // no elements
    const TaylorRate& taylor = report.taylor.at(0);
    if (std::abs(taylor.slope) < 1e-12) continue;  // a hundredth of it is rounding
    std::ostringstream table;
    table << taylor;
    BOOST_TEST((taylor.kind == Kind::wrong && taylor.rate < 1.9), sample.name()
                                                                      << ": " << table.str());
    ++seen;
  }
  BOOST_TEST(seen >= 100);
}

// The rate of a function that must be evaluated where `inside` holds.
TaylorRate rate_inside(const Function& f, const Tensors& xs, const adjoint::Domain& domain,
                       bool (*inside)(double)) {
  int outside = 0;
  const Function watched = [&](const Tensors& in) {
    for (const double x : in[0].values<double>()) outside += !inside(x);
    return f(in);
  };
  const GradcheckOptions options = {.domains = {domain}};
  const checking::FlatFunction flat(watched, xs, {"x"});
  const checking::Differentiator both(flat, {}, options, Key(1));
  GradcheckReport report;
  checking::take_taylor_rates(both, {}, 1, options, report);
  BOOST_TEST(outside == 0);
  return report.taylor.at(0);
}

BOOST_AUTO_TEST_CASE(steps_stay_inside_the_domain) {
  const auto is_2 = [](const TaylorRate& rate) { return std::abs(rate.rate - 2) <= 0.05; };
  const Tensor edge = tensor({0, 0.5, 1, 1e-3, 0.999}, DType::f64);
  BOOST_TEST(is_2(rate_inside(of_one(exp), {edge}, {.low = 0, .high = 1},
                              [](double x) { return x >= 0 && x <= 1; })));
  const Tensor beside = tensor({1e-3, -1e-3, 0.5, -2}, DType::f64);
  BOOST_TEST(
      is_2(rate_inside(of_one(exp), {beside}, {.away_from = 0}, [](double x) { return x != 0; })));
  const Function entropy = [](const Tensors& p) { return Tensors{p[0] * log(p[0])}; };
  const Tensor rows = softmax(random({3, 4}, 1));
  BOOST_TEST(is_2(
      rate_inside(entropy, {rows}, {.simplex = true}, [](double x) { return x > 0 && x < 1; })));
  // The rows keep their sums: along such a direction the sum of the logarithms of sums stands
  // still.
  const Function sums = [](const Tensors& p) { return Tensors{exp(sum(p[0], {-1}, Keep::no))}; };
  const TaylorRate still =
      rate_inside(sums, {rows}, {.simplex = true}, [](double x) { return x > 0 && x < 1; });
  BOOST_TEST(name_of(still.kind) == name_of(Kind::straight));
}

BOOST_AUTO_TEST_CASE(a_step_that_throws_is_too_large) {
  const Function f = [](const Tensors& in) {
    for (const double x : in[0].values<double>()) require(x < 1.01, "too large");
    return Tensors{exp(in[0])};
  };
  const Tensor x = ones({3}, DType::f64);
  const checking::FlatFunction flat(f, {x}, {"x"});
  const checking::Differentiator both(flat, {}, {}, Key(1));
  GradcheckReport report;
  checking::take_taylor_rates(both, {}, 1, {}, report);
  BOOST_TEST(std::abs(report.taylor.at(0).rate - 2) <= 0.05);
}

BOOST_AUTO_TEST_CASE(kinks_do_not_move) {
  Tensor x = random({20}, 1);
  x.edit<double>()[3] = 0;
  const Function f = [](const Tensors& in) { return Tensors{exp(relu(in[0]))}; };
  const GradcheckReport report = gradcheck(f, {x});
  BOOST_TEST(report);
  BOOST_TEST(std::abs(report.taylor.at(0).rate - 2) <= 0.05);
}

BOOST_AUTO_TEST_CASE(a_report_has_a_phrase_and_the_table_has_a_row_for_each_step) {
  const Tensor x = random({20}, 1);
  const GradcheckReport right = gradcheck(of_one(exp), {x}, {.order = 2, .taylor = 2});
  BOOST_TEST(right.taylor.size() == 4u);
  BOOST_TEST(printed(right).find("; Taylor rate 2.00") != std::string::npos);
  BOOST_TEST(lines(printed(right)) == 1);
  const Function f = [](const Tensors& in) { return Tensors{exp(apply(Scaled{1.01}, in[0]))}; };
  const GradcheckReport wrong = gradcheck(f, {x});
  BOOST_TEST(printed(wrong).find(", not 2") != std::string::npos);
  std::ostringstream table;
  table << wrong.taylor.at(0);
  BOOST_TEST(lines(table.str()) == 2 + std::ssize(wrong.taylor[0].steps));
  BOOST_TEST(gradcheck(of_one(exp), {x}, {.taylor = 0}).taylor.empty());
}

// What the elements show is not said again.
BOOST_AUTO_TEST_CASE(a_wrong_rate_is_a_finding_only_if_nothing_else_is) {
  const Function f = [](const Tensors& in) { return Tensors{exp(apply(Scaled{2}, in[0]))}; };
  const GradcheckReport report = gradcheck(f, {random({3}, 1)});
  BOOST_TEST(report.findings.size() == 3u);
  BOOST_TEST(name_of(report.taylor.at(0).kind) == name_of(Kind::wrong));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
