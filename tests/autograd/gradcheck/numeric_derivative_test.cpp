#include "autograd/gradcheck/numeric_derivative.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>

namespace {

using namespace adjoint;

BOOST_AUTO_TEST_SUITE(numeric_derivative)

template <class F>
checking::Derivative differentiated(F f, double x, double step) {
  checking::Ladder ladder(1e-16 * (std::abs(f(x)) + std::abs(x)));
  for (int i = 0; i < 40 && !ladder.full() && !ladder.settled(); ++i, step /= 2)
    ladder.add(step, f(x + step) - f(x), f(x) - f(x - step));
  return ladder.derivative();
}

BOOST_AUTO_TEST_CASE(finite_differences_know_their_error) {
  const auto check = [](auto f, double x, double step, double exact) {
    const checking::Derivative d = differentiated(f, x, step);
    BOOST_TEST((d.kind == checking::Derivative::Kind::smooth));
    BOOST_TEST(std::abs(d.value - exact) <= 10 * d.error);
    BOOST_TEST(d.error <= 1e-6 * std::abs(exact));
  };
  check([](double x) { return std::exp(x); }, 1, 0.125, std::exp(1.0));
  check([](double x) { return std::sin(1000 * x); }, 1, 0.125, 1000 * std::cos(1000.0));
  check([](double x) { return std::log(x); }, 1e-3, 0.125, 1e3);  // large steps leave the domain
  check([](double x) { return 1 / (1 + std::exp(-x)); }, 3, 0.25,
        std::exp(-3.0) / std::pow(1 + std::exp(-3.0), 2));
  check([](double x) { return x < 0.01 ? x : 0.01; }, 0.005, 0.125, 1);  // a kink close by
}

// Central differences of a function in f32 (layer norm), with the first two nearly equal by chance.
BOOST_AUTO_TEST_CASE(two_large_steps_that_agree_by_chance_are_overruled_by_smaller_ones) {
  const double differences[] = {4.06495, 4.06465, 4.04046, 4.03234, 4.03014, 4.02959, 4.02954,
                                4.02948, 4.02917, 4.02979, 4.02734, 4.03027, 4.03516, 4.02734};
  checking::Ladder ladder(3e-6);
  double h = 0.125;
  for (const double slope : differences) ladder.add(h, h * slope, h * slope), h /= 2;
  const checking::Derivative d = ladder.derivative();
  BOOST_TEST(std::abs(d.value - 4.0294) <= 10 * d.error);
}

BOOST_AUTO_TEST_CASE(finite_differences_distinguish_kinks_from_jumps) {
  using checking::Derivative;
  const Derivative kink = differentiated([](double x) { return std::max(x, 0.0); }, 0, 0.125);
  BOOST_TEST((kink.kind == Derivative::Kind::kink));
  BOOST_TEST(kink.left == 0, boost::test_tools::tolerance(1e-6));
  BOOST_TEST(kink.right == 1, boost::test_tools::tolerance(1e-6));
  const Derivative jump = differentiated([](double x) { return std::floor(x); }, 1, 0.125);
  BOOST_TEST((jump.kind == Derivative::Kind::jump));
  const Derivative hole = differentiated([](double x) { return x == 0 ? 1.0 : 0.0; }, 0, 0.125);
  BOOST_TEST((hole.kind == Derivative::Kind::jump));
  const Derivative cusp = differentiated([](double x) { return std::sqrt(std::abs(x)); }, 0, 0.125);
  BOOST_TEST(cusp.error > 1);  // by symmetry every central difference is 0
  const Derivative edge = differentiated([](double x) { return std::sqrt(x); }, 0, 0.125);
  BOOST_TEST((edge.kind == Derivative::Kind::undefined));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
