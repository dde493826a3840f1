#include "autograd/tools/inspect.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "autograd/ops.h"

namespace {

using namespace adjoint;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

bool close(double a, double b) { return std::abs(a - b) <= 1e-12 * std::abs(b); }

BOOST_AUTO_TEST_SUITE(statistics_suite)

BOOST_AUTO_TEST_CASE(worked_by_hand) {
  const Statistics s = statistics(tensor({{1, 2}, {3, 6}}, DType::f64));
  BOOST_TEST(s.count == 4);
  BOOST_TEST(s.finite());
  BOOST_TEST(close(s.mean, 3));
  BOOST_TEST(close(s.deviation, std::sqrt(14.0 / 4)));  // deviations −2, −1, 0, 3
  BOOST_TEST(s.least == 1);
  BOOST_TEST(s.largest == 6);
  BOOST_TEST(close(s.norm, std::sqrt(50.0)));
}

BOOST_AUTO_TEST_CASE(they_agree_with_the_operations) {
  for (std::uint64_t round = 0; round < 20; ++round) {
    const Index size = 1 + static_cast<Index>(round * round);
    const Tensor x = normal({size, 3}, static_cast<double>(round), 2, Key(round), DType::f64);
    const Statistics s = statistics(x);
    const double average = mean(x).item();
    BOOST_TEST(close(s.mean, average));
    BOOST_TEST(close(s.deviation, std::sqrt(mean(pow(x - average, 2)).item())));
    BOOST_TEST(close(s.norm, std::sqrt(sum(pow(x, 2)).item())));
    BOOST_TEST(s.largest == max(x).item());
    BOOST_TEST(s.least == -max(-x).item());
  }
}

BOOST_AUTO_TEST_CASE(non_finite_elements_are_counted_and_left_out) {
  const Statistics s = statistics(tensor({nan, 1, infinity, -infinity, 3, nan}));
  BOOST_TEST(s.count == 6);
  BOOST_TEST(s.zeros == 0);
  BOOST_TEST(s.nan == 2);
  BOOST_TEST(s.infinite == 2);
  BOOST_TEST(!s.finite());
  BOOST_TEST(close(s.mean, 2));
  BOOST_TEST(close(s.deviation, 1));
  BOOST_TEST(s.least == 1);
  BOOST_TEST(s.largest == 3);
}

BOOST_AUTO_TEST_CASE(empty_tensors_have_none) {
  for (const Tensor& x : {zeros({2, 0}), tensor({nan, infinity})}) {
    const Statistics s = statistics(x);
    BOOST_TEST(s.count == x.numel());
    for (const double value : {s.mean, s.deviation, s.least, s.largest})
      BOOST_TEST(std::isnan(value));
    BOOST_TEST(s.norm == 0);
  }
}

BOOST_AUTO_TEST_CASE(huge_and_tiny_numbers_keep_their_size) {
  for (const double unit : {1e300, 1e-300}) {
    const Statistics s = statistics(tensor({3 * unit, -4 * unit}, DType::f64));
    BOOST_TEST(close(s.norm, 5 * unit));
    BOOST_TEST(close(s.mean, -0.5 * unit));
    BOOST_TEST(close(s.deviation, 3.5 * unit));
  }
}

BOOST_AUTO_TEST_CASE(integers_and_booleans_have_them_too) {
  const Statistics integers = statistics(tensor({-7, 0, 1}, DType::i64));
  BOOST_TEST(integers.least == -7);
  BOOST_TEST(close(integers.mean, -2));
  const Statistics conditions = statistics(tensor({1, 0, 1, 1}, DType::b8));
  BOOST_TEST(close(conditions.mean, 0.75));
  BOOST_TEST(conditions.largest == 1);
}

BOOST_AUTO_TEST_CASE(zeros_have_no_deviation) {
  const Statistics s = statistics(zeros({5}));
  BOOST_TEST(s.zeros == 5);
  BOOST_TEST(s.mean == 0);
  BOOST_TEST(s.deviation == 0);
  BOOST_TEST(s.norm == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
