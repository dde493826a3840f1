#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

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

// More rows than one piece of the sums over rows has.
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

// Once with more rows than one piece of the sums over rows has.
BOOST_AUTO_TEST_CASE(add_norm_is_the_norm_of_a_sum) {
  Dice dice(Key(95));
  for (int round = 0; round < 40; ++round) {
    const Shape shape{dice.between(1, 3), round == 0 ? 9000 : dice.between(1, 9),
                      dice.between(1, 19)};
    const Tensor x = variable(dice.tensor(shape)), f = variable(dice.tensor(shape));
    const Tensor gain = variable(dice.tensor({shape[-1]})),
                 bias = variable(dice.tensor({shape[-1]}));
    const Tensor g = dice.tensor(shape);
    const double p = 0.1 * static_cast<double>(dice.between(0, 9)), epsilon = 0.01;
    const Key key = dice.key();
    const Tensor rows = random_integers({shape[0] * shape[1]}, 0, 1'000'000, dice.key());
    for (const Tensor& numbers_of_rows : {Tensor(), rows}) {
      const Tensor y =
          add_norm(x, f, gain, bias,
                   {.dropout = p, .key = key, .rows = numbers_of_rows, .epsilon = epsilon});
      const Tensor sum = x + adjoint::dropout(f, p, key, numbers_of_rows);
      const Tensor expected = layer_norm(sum, gain, bias, epsilon);
      BOOST_TEST(distance(y, expected) < 1e-11);
      const Tensors xs{x, f, gain, bias};
      const Tensors actual = grad(Tensors{y}, xs, {g}),
                    gradients = grad(Tensors{expected}, xs, {g});
      for (std::size_t i = 0; i < xs.size(); ++i)
        BOOST_TEST(distance(actual[i], gradients[i]) < 1e-9);
    }
  }
}

BOOST_AUTO_TEST_CASE(add_norm_ignores_what_it_drops) {
  const Tensor zero = zeros({4, 8}), gain = ones({8}), bias = zeros({8});
  const AddNormOptions options{.dropout = 0.5, .key = Key(96)};
  const Tensor dropped = equal(adjoint::dropout(ones({4, 8}), 0.5, Key(96)), scalar(0));
  const Tensor f = where(dropped, scalar(std::numeric_limits<double>::infinity()), zero);
  BOOST_TEST(same_bits(add_norm(zero, f, gain, bias, options), zero));
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
