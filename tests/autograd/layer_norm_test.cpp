#include <boost/test/unit_test.hpp>
#include <cmath>

#include "autograd/grad.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

Grid reference(const Tensor& input, const Tensor& gain, const Tensor& bias, double epsilon) {
  const Grid x(input), scale(gain), shift(bias);
  const Index width = input.size(-1);
  return grid_of(input.shape(), [&](Indices at) {
    const Index own = at.back();
    const double value = x[at];
    double mean = 0, variance = 0;
    for (at.back() = 0; at.back() < width; ++at.back()) mean += x[at] / static_cast<double>(width);
    for (at.back() = 0; at.back() < width; ++at.back())
      variance += std::pow(x[at] - mean, 2) / static_cast<double>(width);
    return (value - mean) / std::sqrt(variance + epsilon) * scale[{own}] + shift[{own}];
  });
}

BOOST_AUTO_TEST_SUITE(layer_norm)

using adjoint::layer_norm;  // the suite has the same name

BOOST_AUTO_TEST_CASE(values_follow_from_the_definition) {
  Dice dice(Key(91));
  for (int round = 0; round < 100; ++round) {
    const Index width = dice.between(1, 19);
    const Tensor x = dice.tensor(dice.shape(dice.between(0, 3), 0).joined({width}));
    const Tensor gain = dice.tensor({width}), bias = dice.tensor({width});
    for (const double epsilon : {1e-5, 0.3}) {
      const Grid expected = reference(x, gain, bias, epsilon);
      BOOST_TEST(distance(layer_norm(x, gain, bias, epsilon), expected) < 1e-11);
      const Composed guard;
      BOOST_TEST(distance(layer_norm(x, gain, bias, epsilon), expected) < 1e-11);
    }
  }
}

BOOST_AUTO_TEST_CASE(shift_and_scale_of_x_change_nothing) {
  Dice dice(Key(92));
  const Tensor gain = ones({8}, DType::f64), bias = zeros({8}, DType::f64);
  for (int round = 0; round < 50; ++round) {
    const Tensor x = dice.tensor({dice.between(1, 5), 8});
    const Tensor y = layer_norm(x, gain, bias, 1e-12);
    BOOST_TEST(distance(layer_norm(100 * x + 7, gain, bias, 1e-12), y) < 1e-9);
    BOOST_TEST(distance(mean(y, {-1}), Grid({x.size(0)})) < 1e-13);
    BOOST_TEST(distance(variance(y, {-1}), Grid({x.size(0)}, 1)) < 1e-9);
  }
}

BOOST_AUTO_TEST_CASE(a_constant_row_gives_the_bias) {
  const Tensor gain = tensor({1, 2, 3}), bias = tensor({4, 5, 6});
  const Tensor y = layer_norm(full({2, 3}, 1e6), gain, bias);
  BOOST_TEST(numbers(y) == (std::vector<double>{4, 5, 6, 4, 5, 6}));
}

// The sums over rows are taken in pieces: also with more rows than one piece has.
BOOST_AUTO_TEST_CASE(gradients_of_gain_and_bias_over_many_rows) {
  const Shape shape{20'000, 8};
  const Tensor x = normal(shape, 0, 1, Key(93), DType::f64);
  const Tensor g = normal(shape, 0, 1, Key(94), DType::f64);
  const Tensor gain = variable(ones({8}, DType::f64)), bias = variable(zeros({8}, DType::f64));
  const Tensors gradients = grad(Tensors{layer_norm(x, gain, bias)}, {gain, bias}, {g});
  const Tensor normalised = layer_norm(x, detach(gain), detach(bias));
  BOOST_TEST(distance(gradients[0], sum(g * normalised, {0})) < 1e-10);
  BOOST_TEST(distance(gradients[1], sum(g, {0})) < 1e-10);
}

// A large mean must not swallow the deviations.
BOOST_AUTO_TEST_CASE(two_passes_do_not_cancel) {
  const Tensor x = tensor({{10'000, 10'001, 10'002, 10'003}});
  const Tensor y = layer_norm(x, ones({4}), zeros({4}));
  const Tensor small = layer_norm(x - 10'000, ones({4}), zeros({4}));
  BOOST_TEST(distance(y, cast(small, DType::f64)) < 1e-5);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
