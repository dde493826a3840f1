#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "autograd/grad.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

// Softmax over the last axis where the mask is not 0. It does not shift x, so it suits moderate x
// only.
Grid reference(const Grid& x, const Grid& mask) {
  return grid_of(x.shape, [&](Indices at) {
    const double own = mask.broadcast_at(at) != 0 ? std::exp(x[at]) : 0;
    double total = 0;
    for (Index i = 0; i < x.shape[-1]; ++i) {
      at.back() = i;
      if (mask.broadcast_at(at) != 0) total += std::exp(x[at]);
    }
    return total == 0 ? 0 : own / total;
  });
}

BOOST_AUTO_TEST_SUITE(softmax)

using adjoint::softmax;  // the suite has the same name

BOOST_AUTO_TEST_CASE(values_follow_from_the_definition) {
  Dice dice(Key(71));
  for (int round = 0; round < 100; ++round) {
    const Tensor x = dice.tensor(dice.shape(dice.between(1, 4), 1, 19));
    const Grid expected = reference(Grid(x), Grid({}, 1));
    BOOST_TEST(distance(softmax(x), expected) < 1e-14);
    Grid logarithm = expected;
    for (double& value : logarithm.values) value = std::log(value);
    BOOST_TEST(distance(log_softmax(x), logarithm) < 1e-13);
  }
}

BOOST_AUTO_TEST_CASE(rows_sum_to_1) {
  Dice dice(Key(72));
  for (int round = 0; round < 50; ++round) {
    const Tensor x = dice.tensor(dice.shape(3, 1, 9)) * 50;
    const Tensor rows = sum(softmax(x), {-1});
    BOOST_TEST(distance(rows, Grid(rows.shape(), 1)) < 1e-13);
    const Tensor logarithms = logsumexp(log_softmax(x), {-1});
    BOOST_TEST(distance(logarithms, Grid(rows.shape())) < 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(a_shift_changes_nothing) {
  Dice dice(Key(73));
  for (int round = 0; round < 50; ++round) {
    const Tensor x = dice.tensor(dice.shape(2, 1, 9));
    for (const double shift : {-1e4, 3.0, 1e4}) {
      BOOST_TEST(distance(softmax(x + shift), softmax(x)) < 1e-11);
      BOOST_TEST(distance(log_softmax(x + shift), log_softmax(x)) < 1e-11);
    }
  }
}

BOOST_AUTO_TEST_CASE(nothing_overflows) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor x = tensor({{1e30, -1e30, 0}, {-1e30, -1e30, -1e30}}, dtype);
    BOOST_TEST(distance(softmax(x), tensor({{1, 0, 0}, {1. / 3, 1. / 3, 1. / 3}}, DType::f64)) <
               1e-7);
    BOOST_TEST(log_softmax(x).at({0, 0}) == 0);
  }
}

// A common offset of all logits must not cost the result any digits.
BOOST_AUTO_TEST_CASE(large_logits_keep_the_digits_of_the_result) {
  for (const double offset : {1e3, 1e5, -1e6}) {
    const Tensor x = full({1, 3}, offset);
    BOOST_TEST(log_softmax(x).at({0, 2}) == -std::log(3.0), boost::test_tools::tolerance(1e-6));
    BOOST_TEST(cross_entropy(x, ints({1})).item() == std::log(3.0),
               boost::test_tools::tolerance(1e-6));
  }
}

BOOST_AUTO_TEST_CASE(minus_infinity_is_left_out) {
  const Tensor x = tensor({-infinity, 1, -infinity, 1}, DType::f64);
  BOOST_TEST(distance(softmax(x), tensor({0, 0.5, 0, 0.5}, DType::f64)) == 0);
  const Composed guard;
  BOOST_TEST(distance(softmax(x), tensor({0, 0.5, 0, 0.5}, DType::f64)) == 0);
}

// No distribution exists then; a query that may attend to nothing gets zeros.
BOOST_AUTO_TEST_CASE(a_row_of_minus_infinity_gives_zeros) {
  const Tensor x = full({2, 3}, -infinity, DType::f64);
  BOOST_TEST(distance(softmax(x), Grid({2, 3})) == 0);
  const Composed guard;
  BOOST_TEST(distance(softmax(x), Grid({2, 3})) == 0);
}

BOOST_AUTO_TEST_CASE(masked_elements_are_zero) {
  Dice dice(Key(74));
  for (int round = 0; round < 100; ++round) {
    const Shape shape = dice.shape(dice.between(1, 4), 1, 6);
    const Tensor x = dice.tensor(shape), mask = dice.booleans(dice.shrunk(shape));
    const Grid expected = reference(Grid(x), Grid(mask));
    BOOST_TEST(distance(masked_softmax(x, mask), expected) < 1e-14);
    const Composed guard;
    BOOST_TEST(distance(masked_softmax(x, mask), expected) < 1e-14);
  }
}

BOOST_AUTO_TEST_CASE(masked_elements_may_be_anything) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Tensor x = variable(tensor({{nan, 1, 1}, {infinity, nan, -infinity}}, DType::f64));
  const Tensor y = masked_softmax(x, bools({{0, 1, 1}, {0, 0, 0}}));
  BOOST_TEST(distance(y, tensor({{0, 0.5, 0.5}, {0, 0, 0}}, DType::f64)) == 0);
  const Tensor g = grad(Tensors{y}, {x}, {tensor({{5, 1, 0}, {1, 2, 3}}, DType::f64)})[0];
  BOOST_TEST(distance(g, tensor({{0, 0.25, -0.25}, {0, 0, 0}}, DType::f64)) < 1e-15);
}

BOOST_AUTO_TEST_CASE(a_fully_masked_row_sends_back_no_gradient) {
  const Tensor x = variable(tensor({{1, 2}, {3, 4}}, DType::f64));
  const Tensor y = masked_softmax(x, bools({{0}, {1}}));
  const GradOptions twice = {.create_graph = true};
  const Tensor first = grad(Tensors{y}, {x}, {tensor({{1, 2}, {3, 5}}, DType::f64)}, twice)[0];
  BOOST_TEST(first.at({0, 0}) == 0);
  BOOST_TEST(first.at({0, 1}) == 0);
  BOOST_TEST(first.at({1, 0}) != 0);
  const Tensor second = grad(sum(pow(first, 2)), {x})[0];
  BOOST_TEST(second.at({0, 0}) == 0);
  BOOST_TEST(second.at({1, 0}) != 0);
}

BOOST_AUTO_TEST_CASE(many_and_long_rows) {
  for (const Shape& shape : {Shape{5000, 17}, Shape{3, 40'000}}) {
    const Tensor x = normal(shape, 0, 1, Key(75), DType::f64);
    const Tensor y = softmax(x);
    const Tensor direct = exp(x) / sum(exp(x), {-1}, Keep::yes);
    BOOST_TEST(max(abs(y - direct)).item() < 1e-14);
    BOOST_TEST(max(abs(exp(log_softmax(x)) - direct)).item() < 1e-14);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
