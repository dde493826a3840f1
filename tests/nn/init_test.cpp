#include "nn/init.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "autograd/node.h"
#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

// Moments of many numbers lie within about three standard errors of the true ones.
void check_moments(const Tensor& weight, double deviation, double kurtosis) {
  const std::vector<double> values = numbers(weight);
  const auto count = static_cast<double>(values.size());
  double mean = 0, second = 0, fourth = 0;
  for (const double value : values) {
    mean += value / deviation / count;
    second += std::pow(value / deviation, 2) / count;
    fourth += std::pow(value / deviation, 4) / count;
  }
  BOOST_TEST(std::abs(mean) < 3 / std::sqrt(count));
  BOOST_TEST(second == 1, boost::test_tools::tolerance(6 / std::sqrt(count)));
  BOOST_TEST(fourth == kurtosis, boost::test_tools::tolerance(12 / std::sqrt(count)));
}

constexpr double of_uniform = 1.8, of_normal = 3;

BOOST_AUTO_TEST_SUITE(init)

BOOST_AUTO_TEST_CASE(xavier_is_uniform_within_its_bound) {
  const Tensor weight = xavier_uniform({300, 100}, Key(1), DType::f64);
  const double bound = std::sqrt(6.0 / 400);
  const std::vector<double> values = numbers(weight);
  BOOST_TEST(std::ranges::max(values) < bound);
  BOOST_TEST(std::ranges::max(values) > 0.99 * bound);
  BOOST_TEST(std::ranges::min(values) >= -bound);
  BOOST_TEST(std::ranges::min(values) < -0.99 * bound);
  check_moments(weight, bound / std::sqrt(3.0), of_uniform);
}

BOOST_AUTO_TEST_CASE(normal_and_constant) {
  check_moments(normal_weight({200, 100}, 0.02, Key(1)), 0.02, of_normal);
  BOOST_TEST(same_bits(constant_weight({2}, 1.5), tensor({1.5, 1.5})));
}

BOOST_AUTO_TEST_CASE(each_is_a_leaf_of_the_asked_type) {
  for (const DType dtype : {DType::f32, DType::f64})
    for (const Tensor& weight :
         {xavier_uniform({2, 3}, Key(1), dtype), normal_weight({2, 3}, 1, Key(1), dtype),
          constant_weight({2, 3}, 1, dtype)}) {
      BOOST_TEST((weight.form() == Form{{2, 3}, dtype}));
      BOOST_TEST_REQUIRE(weight.tracked());
      BOOST_TEST(weight.history().node->is_leaf());
    }
}

BOOST_AUTO_TEST_CASE(what_has_no_inputs_and_outputs_is_an_error) {
  BOOST_CHECK_EXCEPTION(xavier_uniform({4}, Key(1)), Error,
                        says("xavier_uniform: needs a weight [outputs, inputs], got [4]"));
  BOOST_CHECK_EXCEPTION(xavier_uniform({4, 0}, Key(1)), Error,
                        says("xavier_uniform: needs a weight [outputs, inputs], got [4, 0]"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
