#include "examples/experiments/frame/statistics.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "autograd/random.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;
using experiments::Interval, experiments::interval, experiments::paired_difference,
    experiments::words;

Interval of(const std::vector<double>& values) { return interval(values); }

BOOST_AUTO_TEST_SUITE(experiment_statistics)

// t(0.975, 2) = 4.302653 and t(0.975, 9) = 2.262157, from tables.
BOOST_AUTO_TEST_CASE(an_interval_is_that_of_student) {
  const Interval three = of({1, 2, 3});
  BOOST_TEST(three.mean == 2.0);
  BOOST_TEST(three.high - 2 == 4.302653 / std::sqrt(3.0), boost::test_tools::tolerance(1e-6));
  BOOST_TEST(2 - three.low == three.high - 2, boost::test_tools::tolerance(1e-12));
  const Interval ten = of({0, 1, 0, 1, 0, 1, 0, 1, 0, 1});
  BOOST_TEST(ten.high - 0.5 == 2.262157 * std::sqrt(2.5 / 9 / 10),
             boost::test_tools::tolerance(1e-6));
}

BOOST_AUTO_TEST_CASE(it_contains_the_true_mean_19_times_out_of_20) {
  int inside = 0;
  constexpr int trials = 4000;
  const Tensor draws = normal({trials, 5}, 3, 2, Key(1), DType::f64);
  for (int i = 0; i < trials; ++i) {
    const Interval found = interval(draws.values<double>().subspan(5 * i, 5));
    inside += found.low < 3 && 3 < found.high;
  }
  BOOST_TEST(std::abs(inside / double{trials} - 0.95) < 0.015);
}

BOOST_AUTO_TEST_CASE(pairing_cancels_what_seeds_do_to_both) {
  const std::vector<double> a = {11, 52, 93}, b = {10, 50, 90};
  BOOST_TEST(!of(a).decides());
  BOOST_TEST(paired_difference(a, b).mean == 2.0);
  BOOST_TEST(error_of([&] { paired_difference(a, std::vector<double>{1}); }) ==
             "a paired difference of 3 and 1 values");
}

BOOST_AUTO_TEST_CASE(only_an_interval_without_zero_decides) {
  BOOST_TEST(of({1, 1.1, 0.9}).above(0));
  BOOST_TEST(of({-1, -1.1, -0.9}).below(0));
  BOOST_TEST(!of({-1, 1, 2}).decides());
  BOOST_TEST(!of({5}).decides());  // a single run decides nothing
  BOOST_TEST(error_of([] { of({}); }) == "a mean of no values");
}

BOOST_AUTO_TEST_CASE(words_have_as_many_digits_as_the_interval_makes_sense_of) {
  BOOST_TEST(words({96.31234, 95.1111, 97.5}) == "96.3 (95.1 to 97.5)");
  BOOST_TEST(words({0.0312, 0.0301, 0.0323}) == "0.0312 (0.0301 to 0.0323)");
  BOOST_TEST(words({-0.04, -3.2, 3.1}) == "0.0 (-3.2 to 3.1)");
  BOOST_TEST(words(of({98.5})) == "98.5");
  BOOST_TEST(words(of({100, 100})) == "100");
  BOOST_TEST(words(0.014142) == "0.0141");
  BOOST_TEST(words(1023.6) == "1024");
  BOOST_TEST(words(0.0) == "0.00");
  BOOST_TEST(words(1.3e-9) == "1.3e-09");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
