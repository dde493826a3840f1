#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "autograd/grad.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

struct Pair {
  Tensor a, b;
  Shape shape;  // of the result
};

// Two operands that broadcast to a common shape, one time in ten with an axis of size 0.
Pair random_pair(Dice& dice) {
  const Shape whole = dice.shape(dice.between(0, 4), dice.between(0, 9) == 0 ? 0 : 1);
  const Shape left = dice.shrunk(whole), right = dice.shrunk(whole);
  return {dice.nonzero(left), dice.nonzero(right), broadcast("test", left, right)};
}

BOOST_AUTO_TEST_SUITE(arithmetic)

BOOST_AUTO_TEST_CASE(two_tensors_broadcast_like_numpy) {
  struct Named {
    const char* name;
    Tensor (*f)(const Tensor&, const Tensor&);
    double (*expected)(double, double);
  };
  const Named operations[] = {
      {"add", add, [](double a, double b) { return a + b; }},
      {"sub", sub, [](double a, double b) { return a - b; }},
      {"mul", mul, [](double a, double b) { return a * b; }},
      {"div", div, [](double a, double b) { return a / b; }},
      {"maximum", maximum, [](double a, double b) { return a > b ? a : b; }},
      {"minimum", minimum, [](double a, double b) { return a < b ? a : b; }},
      {"equal", equal, [](double a, double b) { return a == b ? 1.0 : 0.0; }},
      {"greater", greater, [](double a, double b) { return a > b ? 1.0 : 0.0; }},
      {"less", less, [](double a, double b) { return a < b ? 1.0 : 0.0; }},
  };
  Dice dice(Key(11));
  for (int round = 0; round < 200; ++round) {
    const auto [a, b, shape] = random_pair(dice);
    const Grid left(a), right(b);
    for (const auto& [name, f, expected] : operations) {
      const Grid y = grid_of(shape, [&, expected = expected](const Indices& at) {
        return expected(left.broadcast_at(at), right.broadcast_at(at));
      });
      BOOST_TEST(distance(f(a, b), y) == 0, name << " of " << a.shape() << " and " << b.shape());
    }
    const Grid powers = grid_of(shape, [&](const Indices& at) {
      return std::pow(std::abs(left.broadcast_at(at)), right.broadcast_at(at));
    });
    BOOST_TEST(distance(pow(abs(a), b), powers) < 1e-12);
  }
}

// The gradient of a repeated operand is the sum over its repetitions.
BOOST_AUTO_TEST_CASE(gradients_are_summed_over_repetitions) {
  Dice dice(Key(12));
  for (int round = 0; round < 100; ++round) {
    const auto [a, b, shape] = random_pair(dice);
    const Tensor x = variable(a), z = variable(b), g = dice.tensor(shape);
    const Tensors gradients = grad(Tensors{x * z}, {x, z}, {g});
    const Grid left(a), right(b), cotangent(g);
    Grid of_a(a.shape()), of_b(b.shape());
    each_index(shape, [&](const Indices& at) {
      const auto own = [&](const Shape& part) {
        Indices result(at.end() - part.rank(), at.end());
        for (Index axis = 0; axis < part.rank(); ++axis)
          if (part[axis] == 1) result[static_cast<std::size_t>(axis)] = 0;
        return result;
      };
      of_a[own(a.shape())] += cotangent[at] * right.broadcast_at(at);
      of_b[own(b.shape())] += cotangent[at] * left.broadcast_at(at);
    });
    BOOST_TEST(distance(gradients[0], of_a) < 1e-12);
    BOOST_TEST(distance(gradients[1], of_b) < 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(where_chooses_element_by_element) {
  Dice dice(Key(13));
  for (int round = 0; round < 100; ++round) {
    const Shape whole = dice.shape(dice.between(0, 4));
    const Tensor c = dice.booleans(dice.shrunk(whole)), a = dice.tensor(dice.shrunk(whole)),
                 b = dice.tensor(dice.shrunk(whole));
    const Shape shape = broadcast("test", c.shape(), broadcast("test", a.shape(), b.shape()));
    const Grid condition(c), left(a), right(b);
    const Grid y = grid_of(shape, [&](const Indices& at) {
      return condition.broadcast_at(at) != 0 ? left.broadcast_at(at) : right.broadcast_at(at);
    });
    BOOST_TEST(distance(where(c, a, b), y) == 0);
  }
}

BOOST_AUTO_TEST_CASE(where_takes_every_type) {
  const Tensor c = bools({1, 0});
  BOOST_TEST(numbers(where(c, ints({1, 2}), ints({3, 4}))) == (std::vector<double>{1, 4}));
  BOOST_TEST(numbers(where(c, bools({0, 0}), bools({1, 1}))) == (std::vector<double>{0, 1}));
  BOOST_TEST((where(c, tensor({1, 2}), tensor({3, 4})).dtype() == DType::f32));
}

// An element that is not chosen does not leak into the gradient, even if it is infinite or NaN.
BOOST_AUTO_TEST_CASE(where_ignores_what_it_does_not_choose) {
  const Tensor x = variable(tensor({1, 2}, DType::f64));
  const Tensor y = where(bools({1, 0}), x, tensor({nan, -infinity}, DType::f64));
  BOOST_TEST(distance(y, tensor({1, -infinity}, DType::f64)) == 0);
  BOOST_TEST(distance(grad(sum(x * where(bools({1, 0}), x, scalar(0, DType::f64))), {x})[0],
                      tensor({2, 0}, DType::f64)) == 0);
}

BOOST_AUTO_TEST_CASE(comparisons_take_every_type) {
  BOOST_TEST(numbers(equal(ints({1, 2}), ints({1, 3}))) == (std::vector<double>{1, 0}));
  BOOST_TEST(numbers(less(ints({1, 2}), ints({2}))) == (std::vector<double>{1, 0}));
  BOOST_TEST(numbers(equal(bools({1, 0}), bools({1, 1}))) == (std::vector<double>{1, 0}));
  BOOST_TEST(numbers(equal(tensor({nan}), tensor({nan}))) == (std::vector<double>{0}));
  BOOST_TEST(!equal(variable(tensor({1})), tensor({1})).tracked());
}

BOOST_AUTO_TEST_CASE(ties_share_the_gradient) {
  const Tensor a = variable(tensor({1, 2, 3})), b = variable(tensor({2, 2, 2}));
  const Tensors of_max = grad(sum(maximum(a, b)), {a, b});
  BOOST_TEST(numbers(of_max[0]) == (std::vector<double>{0, 0.5, 1}));
  BOOST_TEST(numbers(of_max[1]) == (std::vector<double>{1, 0.5, 0}));
  const Tensors of_min = grad(sum(minimum(a, b)), {a, b});
  BOOST_TEST(numbers(of_min[0]) == (std::vector<double>{1, 0.5, 0}));
  BOOST_TEST(numbers(of_min[1]) == (std::vector<double>{0, 0.5, 1}));
  BOOST_TEST(numbers(grad(sum(maximum(a, a)), {a})[0]) == (std::vector<double>{1, 1, 1}));
}

BOOST_AUTO_TEST_CASE(maximum_and_minimum_propagate_nan) {
  const Tensor x = tensor({nan, 1, nan}, DType::f64), y = tensor({2, nan, nan}, DType::f64);
  const Tensor all = full({3}, nan, DType::f64);
  BOOST_TEST(distance(maximum(x, y), all) == 0);
  BOOST_TEST(distance(minimum(x, y), all) == 0);
}

BOOST_AUTO_TEST_CASE(constants_on_either_side) {
  const Tensor x = tensor({2, -4}, DType::f64);
  const auto gives = [](const Tensor& y, std::initializer_list<NestedList> expected) {
    return distance(y, tensor(expected, DType::f64)) < 1e-15;
  };
  BOOST_TEST(gives(x + 1, {3, -3}));
  BOOST_TEST(gives(1 + x, {3, -3}));
  BOOST_TEST(gives(x - 1, {1, -5}));
  BOOST_TEST(gives(1 - x, {-1, 5}));
  BOOST_TEST(gives(x * 3, {6, -12}));
  BOOST_TEST(gives(3 * x, {6, -12}));
  BOOST_TEST(gives(x / 4, {0.5, -1}));
  BOOST_TEST(gives(4 / x, {2, -1}));
  BOOST_TEST(gives(-x, {-2, 4}));
  BOOST_TEST(gives(affine(x, 2, 1), {5, -7}));
}

// The bits of n / d for numbers n and d of dtype T.
template <Real T>
void check_quotients(DType dtype) {
  for (int d = 1; d <= 100; ++d) {
    const Tensor n = cast(normal({50}, 0, 10, Key(14), DType::f64), dtype);
    const Tensor by = n / d, of = d / n;
    for (Index i = 0; i < 50; ++i) {
      const T number = n.values<T>()[static_cast<std::size_t>(i)];
      BOOST_TEST(by.values<T>()[static_cast<std::size_t>(i)] == number / static_cast<T>(d));
      BOOST_TEST(of.values<T>()[static_cast<std::size_t>(i)] == static_cast<T>(d) / number);
    }
    BOOST_TEST((full({3}, d, dtype) / d).at({1}) == 1);
    BOOST_TEST((d / full({3}, d, dtype)).at({1}) == 1);
    BOOST_TEST(same_bits(n / d, n / full({50}, d, dtype)));
    BOOST_TEST(same_bits(d / n, full({50}, d, dtype) / n));
  }
}

// Multiplying by the reciprocal would round twice: 49 · (1/49) is not 1.
BOOST_AUTO_TEST_CASE(division_by_a_number_is_division) {
  check_quotients<float>(DType::f32);
  check_quotients<double>(DType::f64);
}

// The reciprocal of such a number would be infinite.
BOOST_AUTO_TEST_CASE(quotients_of_tiny_numbers) {
  const auto near = boost::test_tools::tolerance(1e-4);  // 1e-40 has 16 bits in f32
  BOOST_TEST((tensor({1e-39}) / 1e-40).item() == 10, near);
  BOOST_TEST((1e-39 / tensor({1e-40})).item() == 10, near);
  BOOST_TEST((1e-10 / tensor({1e-39})).item() == 1e29, near);
  BOOST_TEST((tensor({1e-310}, DType::f64) / 1e-309).item() == 0.1, near);
  const Tensor x = variable(tensor({1e-39}));
  BOOST_TEST(grad(x / 1e-10, {x})[0].item() == 1e10, near);
  BOOST_TEST(grad(Tensors{x / 1e-39}, {x}, {tensor({1e-39})})[0].item() == 1, near);
}

BOOST_AUTO_TEST_CASE(the_gradients_of_quotients) {
  const Tensor x = variable(tensor({49, -7}, DType::f64));
  BOOST_TEST(same_bits(grad(sum(x / 49), {x})[0], full({2}, 1. / 49, DType::f64)));
  BOOST_TEST(distance(grad(sum(49 / x), {x})[0], tensor({-1. / 49, -1}, DType::f64)) < 1e-16);
}

BOOST_AUTO_TEST_CASE(a_product_keeps_the_sign_of_zero) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor x = variable(tensor({-0.0, 0.0}, dtype));
    for (const Tensor& y : {x * 2, 2 * x, x / 3, -x * -1, -(-x), x - 0, x * 1e-300})
      BOOST_TEST(same_bits(y, tensor({-0.0, 0.0}, dtype)));
    for (const Tensor& y : {x * -2, -x, x / -3})
      BOOST_TEST(same_bits(y, tensor({0.0, -0.0}, dtype)));
    BOOST_TEST(same_bits(grad(Tensors{x * 2}, {x}, {detach(x)})[0], tensor({-0.0, 0.0}, dtype)));
    BOOST_TEST(!std::signbit((x + 0).at({0})));  // as −0 + 0 is 0
  }
}

BOOST_AUTO_TEST_CASE(constant_powers) {
  const Tensor x = tensor({-2, -0.5, 0.5, 3}, DType::f64);
  for (const double p : {0.0, 1.0, 2.0, 3.0, 5.0, -1.0, -2.0}) {
    Grid expected(x);
    for (double& value : expected.values) value = std::pow(value, p);
    BOOST_TEST(distance(pow(x, p), expected) < 1e-14, p);
  }
  BOOST_TEST(std::isnan(pow(scalar(-1), 0.5).item()));
}

// Where the exponent makes a factor 0, the gradient at 0 is 0 instead of 0 · ∞.
BOOST_AUTO_TEST_CASE(powers_have_finite_gradients_at_0) {
  const Tensor x = variable(tensor({0.0}, DType::f64));
  const GradOptions lenient = {.create_graph = true, .zeros_if_independent = true};
  for (const double p : {0.0, 1.0, 2.0, 3.0}) {
    const Tensor first = grad(sum(pow(x, p)), {x}, lenient)[0];
    BOOST_TEST(first.item() == (p == 1 ? 1 : 0), p);
    BOOST_TEST(grad(sum(first), {x}, lenient)[0].item() == (p == 2 ? 2 : 0), p);
  }
  // The same with the exponents in a tensor.
  const Tensor zero = variable(zeros({3}, DType::f64));
  const Tensor y = pow(zero, tensor({1, 2, 3}, DType::f64));
  BOOST_TEST(distance(grad(sum(y), {zero})[0], tensor({1, 0, 0}, DType::f64)) == 0);
}

BOOST_AUTO_TEST_CASE(the_tensor_exponent_0_has_gradient_0_at_0) {
  const Tensor x = variable(zeros({1}, DType::f64));
  BOOST_TEST(grad(sum(pow(x, zeros({1}, DType::f64))), {x})[0].item() == 0);
}

BOOST_AUTO_TEST_CASE(division_by_zero_is_infinite) {
  const Tensor y = tensor({1, -1, 0}) / tensor({0});
  BOOST_TEST(distance(y, tensor({infinity, -infinity, nan}, DType::f64)) == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
