#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "autograd/grad.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr GradOptions graph = {.create_graph = true};
using Numbers = std::vector<double>;

BOOST_AUTO_TEST_SUITE(accumulation)

BOOST_AUTO_TEST_CASE(running_sums) {
  const Tensor matrix = tensor({{1, 2, 3}, {4, 5, 6}});
  BOOST_TEST(numbers(cumsum(matrix)) == (Numbers{1, 3, 6, 4, 9, 15}));
  BOOST_TEST(numbers(cumsum(matrix, 0)) == (Numbers{1, 2, 3, 5, 7, 9}));
  const Tensor x = variable(tensor({1, 2, 3}));
  const Tensor g = tensor({1, 10, 100});
  BOOST_TEST(numbers(grad(Tensors{cumsum(x)}, {x}, {g})[0]) == (Numbers{111, 110, 100}));
  BOOST_TEST(distance(cumsum(wide({1, infinity, 1, nan, 1})),
                      wide({1, infinity, infinity, nan, nan})) == 0);
}

// A plain sum of a million times 0.1 has a relative error of 1.3e-11 in f64, and of 1% in f32.
BOOST_AUTO_TEST_CASE(long_running_sums_are_exact) {
  const Index count = 1'000'000;
  BOOST_TEST(cumsum(full({count}, 0.1, DType::f64)).at({-1}) == 1e5,
             boost::test_tools::tolerance(1e-15));
  BOOST_TEST(cumsum(full({count}, 0.1)).at({-1}) == 1e5, boost::test_tools::tolerance(1e-7));
  // Small terms survive next to a large one.
  BOOST_TEST(cumsum(wide({1, 1e100, 1, -1e100})).at({-1}) == 2);
}

BOOST_AUTO_TEST_CASE(products_and_their_gradients_with_zeros) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor x = variable(tensor({{1, 2, 3, 4, 5}, {1, 0, 3, 4, 5}, {0, 2, 0, 4, 5}}, dtype));
    const Tensor y = prod(x, {1});
    BOOST_TEST(numbers(y) == (Numbers{120, 0, 0}));
    const Tensor g = grad(sum(y), {x}, graph)[0];
    BOOST_TEST(numbers(g) == (Numbers{120, 60, 40, 30, 24, 0, 60, 0, 0, 0, 0, 0, 0, 0, 0}));
    // ∂²/∂x₀∂x₂ of x₀ · 2 · x₂ · 4 · 5 is 40.
    const Tensor direction = tensor({{0, 0, 0, 0, 0}, {0, 0, 0, 0, 0}, {1, 0, 0, 0, 0}}, dtype);
    const Tensor second = grad(Tensors{g}, {x}, {direction})[0];
    BOOST_TEST(numbers(slice(second, 0, 2, 3)) == (Numbers{0, 0, 40, 0, 0}));
    BOOST_TEST(prod(x).item() == 0);
    BOOST_TEST(numbers(prod(zeros({2, 0}, dtype), {1})) == (Numbers{1, 1}));
  }
  const Tensor kept = prod(tensor({{1, 2}, {3, 4}}), {0}, Keep::yes);
  BOOST_TEST((kept.shape() == Shape{1, 2}));
  BOOST_TEST(numbers(kept) == (Numbers{3, 8}));
}

BOOST_AUTO_TEST_CASE(products_agree_with_a_loop) {
  Dice dice(Key(36));
  for (int round = 0; round < 40; ++round) {
    const Tensor x = dice.tensor(dice.shape(2, 1, 9));
    Grid expected({x.size(1)}, 1);
    each_index(x.shape(), [&](const Indices& at) { expected[{at[1]}] *= Grid(x)[at]; });
    BOOST_TEST(distance(prod(x, {0}), expected) < 1e-14);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
