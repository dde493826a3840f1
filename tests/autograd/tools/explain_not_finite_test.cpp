#include "autograd/tools/explain_not_finite.h"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "tests/autograd/support.h"
#include "tests/autograd/tools/explained.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

BOOST_AUTO_TEST_SUITE(explain_not_finite)

BOOST_AUTO_TEST_CASE(a_gradient_that_is_not_finite_says_why_where_that_begins) {
  const Tensor zero = number(0, "x");
  const Tensor untaken = where(greater(zero, scalar(0, DType::f64)), sqrt(zero), zero);
  const std::string nan = explained(2 * untaken);
  BOOST_TEST(says(nan, "= nan NaN, because 0 · ∞ is: ȳ is 0 and the slope is infinite."), nan);
  const std::string norm = explained(sqrt(zero * zero));
  BOOST_TEST(says(norm, "= inf Infinite: the slope is infinite here, or too large for f64."), norm);
  BOOST_TEST(says(norm, "= nan NaN, because ∞ · 0 is: ȳ is infinite and the slope is 0."), norm);
  BOOST_TEST(says(explained(exp(number(1000, "x"))), "or too large for f64."));
  const std::string power = explained(pow(number(-2, "x"), number(2, "y")));
  BOOST_TEST(says(power, "NaN, because a is negative and has no logarithm"), power);
  const std::string root = explained(3 * sqrt(number(-1, "x")));
  BOOST_TEST(says(root, "NaN, because y itself is NaN"), root);
}

BOOST_AUTO_TEST_CASE(a_finite_gradient_and_one_that_is_passed_on_need_no_reason) {
  const Tensor zero = number(0, "x"), nan = number(std::nan(""), "n");
  for (const Tensor& y : {sqrt(number(4, "x")), nan * zero, sin(nan) + zero})
    BOOST_TEST(!says(explained(y), "because"), explained(y));
  const std::string passed = explained(sqrt(3 * zero));  // the scale passes on what arrives
  BOOST_TEST(passed.find("Infinite:") == passed.rfind("Infinite:"), passed);
  const Tensor mixed = variable(wide({0, 4}), "x"), factors = wide({1, 0});
  BOOST_TEST(!says(explained(sum(sqrt(mixed) * factors)), "because 0 · ∞"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
