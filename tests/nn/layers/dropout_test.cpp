#include "nn/layers/dropout.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

BOOST_AUTO_TEST_SUITE(dropout)

BOOST_AUTO_TEST_CASE(nothing_is_dropped_outside_of_training) {
  const Tensor x = variable(normal({2, 3, 4}, 0, 1, Key(1)));
  const Layout layout = Layout::full(2, 3);
  BOOST_TEST((nn::dropout(x, 0.5, layout, Context::inference()).storage() == x.storage()));
  const Context training = Context::training(Key(2));
  BOOST_TEST((nn::dropout(x, 0, layout, training).storage() == x.storage()));
  BOOST_CHECK_NO_THROW(training.take_key());  // which has not been used
}

BOOST_AUTO_TEST_CASE(the_right_share_is_dropped_and_the_rest_scaled_up) {
  const Tensor x = ones({40, 50, 10});
  for (const double p : {0.1, 0.5, 0.9}) {
    const Tensor y = nn::dropout(x, p, Layout::full(40, 50), Context::training(Key(1)));
    const std::vector<double> values = numbers(y);
    const auto dropped = static_cast<double>(std::ranges::count(values, 0.0));
    BOOST_TEST(std::abs(dropped / 20000 - p) < 0.012);
    BOOST_TEST(*std::ranges::max_element(values) == 1 / (1 - p),
               boost::test_tools::tolerance(1e-4));  // p is rounded
    BOOST_TEST(mean(y).item() == 1, boost::test_tools::tolerance(0.1));
  }
}

// Neither packing nor sharding the batch changes what is dropped.
BOOST_AUTO_TEST_CASE(an_element_shares_the_fate_of_its_example_step_and_feature) {
  const std::vector<Index> lengths = {3, 1, 4};
  const Layout padded = Layout::padded(lengths, 5), packed = Layout::packed(lengths);
  const Tensor rows = ones({8, 6}, DType::f64);
  const Tensor dropped = nn::dropout(rows, 0.5, packed, Context::training(Key(1)));
  const Tensor apart = nn::dropout(in_layout(rows, padded), 0.5, padded, Context::training(Key(1)));
  BOOST_TEST(same_bits(real_rows(apart, padded), dropped));

  const Layout last = Layout::packed({4}).placed(2);
  const Tensor part = nn::dropout(ones({4, 6}, DType::f64), 0.5, last, Context::training(Key(1)));
  BOOST_TEST(same_bits(part, slice(dropped, 0, 4, 8)));
  BOOST_TEST(distance(dropped, nn::dropout(rows, 0.5, packed, Context::training(Key(2)))) > 0.5);
}

BOOST_AUTO_TEST_CASE(what_is_dropped_gets_no_gradient) {
  const Tensor x = variable(ones({2, 8}, DType::f64));
  const Tensor y = nn::dropout(x, 0.5, Layout::packed({2}), Context::training(Key(1)));
  BOOST_TEST(distance(grad(sum(y), {x})[0], y) == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
