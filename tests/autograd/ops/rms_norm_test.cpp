#include <boost/test/unit_test.hpp>
#include <cmath>

#include "autograd/grad.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

Grid reference(const Tensor& input, const Tensor& gain, double epsilon) {
  const Grid x(input), scale(gain);
  const Index width = input.size(-1);
  return grid_of(input.shape(), [&](Indices at) {
    const Index own = at.back();
    const double value = x[at];
    double squares = 0;
    for (at.back() = 0; at.back() < width; ++at.back()) squares += x[at] * x[at];
    return value / std::sqrt(squares / static_cast<double>(width) + epsilon) * scale[{own}];
  });
}

BOOST_AUTO_TEST_SUITE(rms_norm)

using adjoint::rms_norm;  // the suite has the same name

// √((1² + 7²)/2) = 5, and √((3² + 4² + 0 + 0)/4 + 2.75) = 3.
BOOST_AUTO_TEST_CASE(values_by_hand) {
  const Tensor y = rms_norm(tensor({{1, 7}, {-7, 1}}, DType::f64), tensor({5, 10}, DType::f64), 0);
  BOOST_TEST(distance(y, tensor({{1, 14}, {-7, 2}}, DType::f64)) < 1e-14);
  const Tensor z =
      rms_norm(tensor({3, 4, 0, 0}, DType::f64), tensor({3, 3, 3, 3}, DType::f64), 2.75);
  BOOST_TEST(distance(z, tensor({3, 4, 0, 0}, DType::f64)) < 1e-14);
}

// At x = (1, 7), gain (1, 1), ε = 0 the root mean square is 5 and x̂ = (1, 7)/5. With ȳ = (1, 0)
// x̄ = (ȳ − x̂ · (x̂₁ȳ₁)/2)/5 = ((1, 0) − (1, 7)/50)/5 = (49, −7)/250, and gain̅ = ȳ ⊙ x̂ = (0.2, 0).
// Doubling x halves x̄: the gradient of x̄₁ along x itself is −x̄₁.
BOOST_AUTO_TEST_CASE(gradients_by_hand) {
  const Tensor x = variable(tensor({1, 7}, DType::f64)), gain = variable(ones({2}, DType::f64));
  const Tensor y = rms_norm(x, gain, 0);
  const Tensors first =
      grad(Tensors{y}, {x, gain}, {tensor({1, 0}, DType::f64)}, {.create_graph = true});
  BOOST_TEST(distance(first[0], tensor({0.196, -0.028}, DType::f64)) < 1e-14);
  BOOST_TEST(distance(first[1], tensor({0.2, 0}, DType::f64)) < 1e-14);
  const Tensor second = grad(sum(slice(first[0], 0, 0, 1)), {x})[0];
  BOOST_TEST(std::abs(sum(second * x).item() + 0.196) < 1e-13);
}

BOOST_AUTO_TEST_CASE(values_follow_from_the_definition) {
  Dice dice(Key(97));
  for (int round = 0; round < 100; ++round) {
    const Index width = dice.between(1, 19);
    const Tensor x = dice.tensor(dice.shape(dice.between(0, 3), 0).joined({width}));
    const Tensor gain = dice.tensor({width});
    for (const double epsilon : {1e-5, 0.3}) {
      const Grid expected = reference(x, gain, epsilon);
      BOOST_TEST(distance(rms_norm(x, gain, epsilon), expected) < 1e-11);
      const Composed guard;
      BOOST_TEST(distance(rms_norm(x, gain, epsilon), expected) < 1e-11);
    }
  }
}

// The paper's point (section 3): the result is invariant to re-scaling, but not to re-centring.
BOOST_AUTO_TEST_CASE(the_scale_of_x_changes_nothing_but_its_shift_does) {
  Dice dice(Key(98));
  const Tensor gain = ones({8}, DType::f64);
  for (int round = 0; round < 50; ++round) {
    const Tensor x = dice.tensor({dice.between(1, 5), 8});
    const Tensor y = rms_norm(x, gain, 0);
    BOOST_TEST(distance(rms_norm(100 * x, gain, 0), y) < 1e-13);
    BOOST_TEST(distance(mean(pow(y, 2), {-1}), Grid({x.size(0)}, 1)) < 1e-13);
    BOOST_TEST(distance(rms_norm(x + 7, gain, 0), y) > 0.1);
  }
}

BOOST_AUTO_TEST_CASE(for_rows_with_mean_0_it_is_layer_normalisation) {
  Dice dice(Key(99));
  for (int round = 0; round < 50; ++round) {
    const Tensor any = dice.tensor({dice.between(1, 5), 7});
    const Tensor x = any - mean(any, {-1}, Keep::yes), gain = dice.tensor({7});
    BOOST_TEST(distance(rms_norm(x, gain), layer_norm(x, gain, zeros({7}, DType::f64))) < 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(a_row_of_zeros_stays_zero) {
  BOOST_TEST(same_bits(rms_norm(zeros({2, 3}), tensor({1, 2, 3})), zeros({2, 3})));
}

// More rows than one piece of the sums over rows has.
BOOST_AUTO_TEST_CASE(gradient_of_the_gain_over_many_rows) {
  const Shape shape{20'000, 8};
  const Tensor x = normal(shape, 0, 1, Key(100), DType::f64);
  const Tensor g = normal(shape, 0, 1, Key(101), DType::f64);
  const Tensor gain = variable(ones({8}, DType::f64));
  const Tensors gradients = grad(Tensors{rms_norm(x, gain)}, {gain}, {g});
  BOOST_TEST(distance(gradients[0], sum(g * rms_norm(x, detach(gain)), {0})) < 1e-10);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
