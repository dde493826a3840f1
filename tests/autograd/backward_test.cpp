// backward(): gradients that are collected in the leaves.
#include <boost/test/unit_test.hpp>

#include "autograd/grad.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

Tensor real(double value) { return scalar(value, DType::f64); }

BOOST_AUTO_TEST_SUITE(backward_to_leaves)

BOOST_AUTO_TEST_CASE(backward_adds_to_the_leaves) {
  Tensor x = variable(tensor({1, 2}, DType::f64)), z = variable(tensor({3, 4}, DType::f64));
  backward(sum(x * z));
  BOOST_TEST(distance(x.grad(), tensor({3, 4}, DType::f64)) == 0);
  BOOST_TEST(distance(z.grad(), tensor({1, 2}, DType::f64)) == 0);
  BOOST_TEST(!x.grad().tracked());
  backward(sum(x * 10));
  BOOST_TEST(distance(x.grad(), tensor({13, 14}, DType::f64)) == 0);
  x.clear_grad();
  BOOST_TEST(!x.grad().defined());
  backward(sum(x));
  BOOST_TEST(distance(x.grad(), tensor({1, 1}, DType::f64)) == 0);
  BOOST_TEST(distance(z.grad(), tensor({1, 2}, DType::f64)) == 0);
}

BOOST_AUTO_TEST_CASE(backward_from_nothing_is_an_error) {
  BOOST_CHECK_EXCEPTION(
      backward(real(1)), Error,
      says(
          "backward: y is not tracked: nothing that it was computed from is a variable(); make the "
          "parameters with variable() before you compute with them"));
}

BOOST_AUTO_TEST_CASE(backward_of_a_leaf) {
  const Tensor x = variable(real(3));
  backward(x);
  BOOST_TEST(x.grad().item() == 1);
}

// Scaling one leaf's gradient, as clipping does, must not scale another's.
BOOST_AUTO_TEST_CASE(collected_gradients_are_buffers_of_their_own) {
  const Tensor a = variable(tensor({1, 2})), b = variable(tensor({3, 4}));
  backward(sum(a + b));
  Tensor of_a = a.grad();
  of_a.edit<float>()[0] = 100;
  BOOST_TEST(numbers(a.grad()) == (std::vector<double>{100, 1}));
  BOOST_TEST(numbers(b.grad()) == (std::vector<double>{1, 1}));
}

BOOST_AUTO_TEST_CASE(backward_frees_what_was_saved) {
  const Tensor x = variable(zeros({1000, 100}));
  const std::size_t before = memory::in_use();
  const Tensor y = sum(sin(sin(sin(sin(x)))));
  BOOST_TEST(memory::in_use() - before > 1'000'000u);
  backward(y);
  BOOST_TEST(memory::in_use() - before < 600'000u);  // x's gradient and y
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
