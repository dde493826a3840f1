#include <boost/test/unit_test.hpp>

#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

struct Case {
  Index batch, length, inputs, outputs, taps;
  Conv1dOptions options;

  Index windows() const { return (length + 2 * options.padding - taps) / options.stride + 1; }
  Index position(Index window, Index tap) const {
    return window * options.stride + tap - options.padding;
  }
};

Case random_case(Dice& dice) {
  Case c{dice.between(0, 3), dice.between(1, 8), dice.between(1, 4), dice.between(1, 4), 0, {}};
  c.options = {.stride = dice.between(1, 4), .padding = dice.between(0, 3)};
  c.taps = dice.between(1, c.length + 2 * c.options.padding);
  return c;
}

BOOST_AUTO_TEST_SUITE(convolution)

BOOST_AUTO_TEST_CASE(conv1d_slides_windows_along) {
  Dice dice(Key(111));
  for (int round = 0; round < 100; ++round) {
    const Case c = random_case(dice);
    const Tensor x = dice.tensor({c.batch, c.length, c.inputs}),
                 weight = dice.tensor({c.outputs, c.taps, c.inputs}),
                 bias = dice.coin() ? dice.tensor({c.outputs}) : Tensor();
    const Grid values(x), weights(weight);
    const Grid expected = grid_of({c.batch, c.windows(), c.outputs}, [&](const Indices& at) {
      double total = bias.defined() ? bias.at({at[2]}) : 0;
      for (Index tap = 0; tap < c.taps; ++tap) {
        const Index position = c.position(at[1], tap);
        if (position < 0 || position >= c.length) continue;
        for (Index i = 0; i < c.inputs; ++i)
          total += values[{at[0], position, i}] * weights[{at[2], tap, i}];
      }
      return total;
    });
    BOOST_TEST(distance(conv1d(x, weight, bias, c.options), expected) < 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(depthwise_conv1d_has_a_filter_for_each_feature) {
  Dice dice(Key(112));
  for (int round = 0; round < 100; ++round) {
    const Case c = random_case(dice);
    const Tensor x = dice.tensor({c.batch, c.length, c.inputs}),
                 weight = dice.tensor({c.taps, c.inputs});
    const Grid values(x), weights(weight);
    const Grid expected = grid_of({c.batch, c.windows(), c.inputs}, [&](const Indices& at) {
      double total = 0;
      for (Index tap = 0; tap < c.taps; ++tap) {
        const Index position = c.position(at[1], tap);
        if (position >= 0 && position < c.length)
          total += values[{at[0], position, at[2]}] * weights[{tap, at[2]}];
      }
      return total;
    });
    BOOST_TEST(distance(depthwise_conv1d(x, weight, c.options), expected) < 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(a_filter_with_one_tap_of_1_changes_nothing) {
  const Tensor x = normal({2, 5, 3}, 0, 1, Key(113), DType::f64);
  BOOST_TEST(distance(depthwise_conv1d(x, ones({1, 3}, DType::f64)), x) == 0);
  BOOST_TEST(distance(conv1d(x, reshape(eye(3, DType::f64), {3, 1, 3})), x) == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
