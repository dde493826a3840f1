// Where a formula is undefined but has a limit, results and gradients are that limit. NaN is passed
// on, and −0 is kept.
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

BOOST_AUTO_TEST_SUITE(limits)

// ---- Near 0 and far from it ---------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(expm1_and_log1p_keep_their_digits_near_0) {
  const auto nearly = boost::test_tools::tolerance(1e-15);
  BOOST_TEST(expm1(scalar(1e-12, DType::f64)).item() == 1e-12 + 5e-25, nearly);
  BOOST_TEST(log1p(scalar(1e-12, DType::f64)).item() == 1e-12 - 5e-25, nearly);
  BOOST_TEST(expm1(scalar(1e-20)).item() == static_cast<double>(1e-20F));
  const Tensor x = variable(wide({-infinity, -40, 0, 1}));
  BOOST_TEST(distance(expm1(x), wide({-1, std::expm1(-40.), 0, std::expm1(1.)})) < 1e-15);
  // The slope at −40 is e⁻⁴⁰. Computed as y + 1 it would be lost.
  const Tensor g = grad(sum(expm1(x)), {x})[0];
  BOOST_TEST(g.at({1}) == std::exp(-40.), boost::test_tools::tolerance(1e-13));
  BOOST_TEST(g.at({0}) == 0);
  BOOST_TEST(distance(log1p(wide({-1, -2, infinity})), wide({-infinity, nan, infinity})) == 0);
}

BOOST_AUTO_TEST_CASE(softplus_and_log_sigmoid_neither_overflow_nor_underflow) {
  const double half = std::log(2.);
  for (const DType dtype : {DType::f32, DType::f64}) {
    const double close = dtype == DType::f32 ? 1e-7 : 1e-15;
    const Tensor x = variable(tensor({-infinity, -1000, 0, 1000, infinity, nan}, dtype));
    BOOST_TEST(distance(softplus(x), wide({0, 0, half, 1000, infinity, nan})) < close);
    BOOST_TEST(distance(log_sigmoid(x), wide({-infinity, -1000, -half, 0, 0, nan})) < close);
    const Tensor up = grad(sum(softplus(x)), {x})[0], down = grad(sum(log_sigmoid(x)), {x})[0];
    BOOST_TEST(distance(up, wide({0, 0, .5, 1, 1, nan})) == 0);
    BOOST_TEST(distance(down, wide({1, 1, .5, 0, 0, nan})) == 0);
  }
  BOOST_TEST(softplus(scalar(-700, DType::f64)).item() == std::exp(-700.),
             boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(clamp_keeps_what_lies_between_its_bounds) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor x = variable(tensor({-infinity, -2, -1, 0.5, 2, 3, infinity, nan}, dtype));
    const Tensor y = clamp(x, -1, 2);
    BOOST_TEST(distance(y, wide({-1, -1, -1, 0.5, 2, 2, 2, nan})) == 0);
    // 1 at the bounds themselves. Outside, no cotangent gets through, not even NaN.
    const Tensor g = tensor({nan, nan, 1, 2, 3, infinity, nan, 1}, dtype);
    BOOST_TEST(distance(grad(Tensors{y}, {x}, {g})[0], wide({0, 0, 1, 2, 3, 0, 0, 1})) == 0);
    BOOST_TEST(distance(clamp(x, -infinity, infinity), cast(detach(x), DType::f64)) == 0);
  }
}

BOOST_AUTO_TEST_CASE(between_equal_bounds_clamp_is_constant) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor x = variable(tensor({0.5, 1, 2}, dtype), "x");
    BOOST_TEST(distance(grad(sum(clamp(x, 1, 1)), {x})[0], zeros({3})) == 0);
  }
}

// ---- Powers of 0 --------------------------------------------------------------------------------

// aᵇ log a → 0 as a → 0 for any b > 0. At b = 0 it is defined as 0, as in other libraries.
BOOST_AUTO_TEST_CASE(the_gradient_of_an_exponent_of_0_is_its_limit) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor a = variable(zeros({4}, dtype));
    const Tensor b = variable(tensor({0, 0.5, 2, 3}, dtype));
    BOOST_TEST(numbers(grad(sum(pow(a, b)), {b})[0]) == (Numbers{0, 0, 0, 0}));
    // One exponent for several bases: the others still count.
    const Tensor both = variable(tensor({0, 2}, dtype)), power = variable(tensor({3}, dtype));
    const Tensor g = grad(sum(pow(both, power)), {power}, graph)[0];
    BOOST_TEST(std::abs(g.item() - 8 * std::log(2)) < 1e-5);
    // ∂²(aᵇ)/∂b² = aᵇ log² a, and ∂²(aᵇ)/∂a∂b = aᵇ⁻¹ (1 + b log a) → 0 for b > 1.
    const Tensors second = grad(sum(g), {both, power});
    BOOST_TEST(second[0].at({0}) == 0);
    BOOST_TEST(std::abs(second[0].at({1}) - 4 * (1 + 3 * std::log(2))) < 1e-5);
    BOOST_TEST(std::abs(second[1].item() - 8 * std::pow(std::log(2), 2)) < 1e-5);
    // Below 0 the power of 0 is infinite, and there is no limit.
    const Tensor negative = variable(tensor({-1}, dtype));
    BOOST_TEST(grad(sum(pow(zeros({1}, dtype), negative)), {negative})[0].item() == -infinity);
  }
}

BOOST_AUTO_TEST_CASE(powers_of_an_absolute_value_are_flat_at_0) {
  const Tensor x = variable(wide({0, -2}));
  for (const double p : {1.5, 2.0, 3.0}) {
    const Tensor first = grad(sum(pow(abs(x), p)), {x}, graph)[0];
    BOOST_TEST(first.at({0}) == 0, p);
    BOOST_TEST(std::abs(first.at({1}) + p * std::pow(2, p - 1)) < 1e-12, p);
  }
}

BOOST_AUTO_TEST_CASE(the_operand_that_where_does_not_take_can_be_made_safe) {
  const Tensor x = variable(wide({0, 4})), one = scalar(1, DType::f64);
  const Tensor positive = greater(x, scalar(0, DType::f64));
  const Tensor trapped = where(positive, sqrt(x), x);
  BOOST_TEST(std::isnan(grad(sum(trapped), {x})[0].at({0})));
  const Tensor safe = where(positive, sqrt(where(positive, x, one)), x);
  BOOST_TEST(numbers(grad(sum(safe), {x})[0]) == (Numbers{1, 0.25}));
}

// ---- Norms --------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(norms_follow_from_the_definition) {
  Dice dice(Key(35));
  for (int round = 0; round < 60; ++round) {
    const Tensor x = dice.tensor(dice.shape(3, 0, 5));
    const Axes axes = dice.coin() ? Axes{1} : Axes{0, 2};
    const Tensor expected = sqrt(sum(pow(x, 2), axes, Keep::yes));
    BOOST_TEST(distance(norm(x, axes, Keep::yes), expected) < 1e-14);
  }
  BOOST_TEST(norm(tensor({{3, 0}, {0, -4}})).item() == 5);
  BOOST_TEST(norm(zeros({0})).item() == 0);
  BOOST_TEST(norm(tensor({infinity, -1})).item() == infinity);
}

BOOST_AUTO_TEST_CASE(a_norm_neither_overflows_nor_underflows) {
  for (const double size : {1e-300, 1e-200, 1e-3, 1e150, 1e300}) {
    const Tensor x = variable(wide({3 * size, -4 * size}));
    const Tensor y = norm(x);
    BOOST_TEST(y.item() == 5 * size, boost::test_tools::tolerance(1e-14));
    BOOST_TEST(distance(grad(y, {x})[0], wide({.6, -.8})) < 1e-14);
  }
  BOOST_TEST(norm(tensor({3e30, 4e30})).item() == 5e30, boost::test_tools::tolerance(1e-6));
  BOOST_TEST(norm(ones({1'000'000})).item() == 1000);
}

BOOST_AUTO_TEST_CASE(a_norm_of_zeros_has_gradient_0_to_second_order) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor x = variable(tensor({{0, 0}, {3, 4}}, dtype));
    const Tensor first = grad(sum(norm(x, {1})), {x}, graph)[0];
    BOOST_TEST(distance(first, wide({{0, 0}, {.6, .8}})) < 1e-7);
    // (I − n nᵀ) / |x| times (1, 1), with n = (.6, .8)
    const Tensor second = grad(Tensors{first}, {x}, {ones({2, 2}, dtype)})[0];
    BOOST_TEST(distance(second, wide({{0, 0}, {.032, -.024}})) < 1e-7);
  }
}

// ---- Infinite elements --------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(logsumexp_of_an_infinite_element_has_the_gradient_that_is_its_limit) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor x = variable(tensor({{infinity, 0, -infinity},
                                      {infinity, infinity, 1},
                                      {-infinity, -infinity, -infinity},
                                      {0, 0, -infinity}},
                                     dtype));
    const Tensor y = logsumexp(x, {1});
    BOOST_TEST(distance(y, wide({infinity, infinity, -infinity, std::log(2.)})) < 1e-7);
    const Tensor g = grad(Tensors{y}, {x}, {tensor({2, 2, 2, 2}, dtype)}, graph)[0];
    BOOST_TEST(distance(g, wide({{2, 0, 0}, {1, 1, 0}, {0, 0, 0}, {1, 1, 0}})) < 1e-6);
    const Tensor direction = tensor({{1, 2, 3}, {1, 2, 3}, {1, 2, 3}, {1, 2, 3}}, dtype);
    const Tensor second = grad(Tensors{g}, {x}, {direction})[0];
    BOOST_TEST(distance(second, wide({{0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {-.5, .5, 0}})) < 1e-6);
  }
  const Tensor column = variable(wide({{0}, {infinity}}));
  BOOST_TEST(numbers(grad(sum(logsumexp(column, {0})), {column})[0]) == (Numbers{0, 1}));
}

BOOST_AUTO_TEST_CASE(softmax_of_infinite_elements_is_its_limit) {
  for (const DType dtype : {DType::f32, DType::f64})
    for (const bool composed_form : {false, true}) {
      const FlagGuard guard(&Ambient::composed, composed_form);
      const Tensor x = variable(
          tensor({{infinity, 0, -infinity}, {infinity, infinity, 1}, {nan, infinity, 0}}, dtype));
      const Tensor p = softmax(x), log_p = log_softmax(x);
      BOOST_TEST(distance(p, wide({{1, 0, 0}, {.5, .5, 0}, {nan, nan, nan}})) == 0);
      const double half = -std::log(2.);
      BOOST_TEST(
          distance(log_p,
                   wide({{0, -infinity, -infinity}, {half, half, -infinity}, {nan, nan, nan}})) <
          1e-7);
      const Tensor top = slice(x, 0, 0, 1);
      const Tensor loss = cross_entropy(top, ints({0}));
      BOOST_TEST(loss.at({0}) == 0);
      BOOST_TEST(distance(slice(grad(sum(loss), {x})[0], 0, 0, 1), wide({{0, 0, 0}})) == 0);
      BOOST_TEST(cross_entropy(top, ints({1})).at({0}) == infinity);
    }
}

BOOST_AUTO_TEST_CASE(constant_rows_have_variance_0_and_gradient_0) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor x = variable(full({2, 5}, 0.1, dtype));
    const Tensor g = grad(sum(variance(x, {1})), {x}, graph)[0];
    BOOST_TEST(distance(g, zeros({2, 5}, DType::f64)) < 1e-8);
  }
}

// ---- NaN and −0 ---------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(nan_is_passed_on) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor x = scalar(nan, dtype), one = ones({}, dtype);
    for (const Tensor& y :
         {relu(x), sign(x), abs(x), clamp(x, 0, 1), maximum(x, one), maximum(one, x),
          minimum(x, one), minimum(one, x), max(stack({one, x, one})), norm(stack({one, x})),
          prod(stack({x, one})), logsumexp(stack({x, one * infinity})), softplus(x), gelu(x)})
      BOOST_TEST(std::isnan(y.item()));
  }
}

BOOST_AUTO_TEST_CASE(minus_0_is_kept) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor zero = scalar(-0.0, dtype), one = ones({}, dtype);
    for (const Tensor& y : {zero,
                            sign(zero),
                            relu(zero),
                            zero * 3.0,
                            3.0 * zero,
                            zero / 2.0,
                            zero - 0.0,
                            zero * one,
                            zero / one,
                            clamp(zero, 0, 1),
                            sqrt(zero),
                            sin(zero),
                            tanh(zero),
                            expm1(zero),
                            log1p(zero),
                            prod(reshape(zero, {1})),
                            pow(zero, 3),
                            neg(abs(zero)),
                            reshape(cumsum(reshape(zero, {1})), Shape{}),
                            cast(cast(zero, DType::f32), dtype)})
      BOOST_TEST((y.item() == 0 && std::signbit(y.item())));
    for (const Tensor& y : {neg(zero), abs(zero), zero + 0.0, 0.0 - zero, zero * -1.0})
      BOOST_TEST((y.item() == 0 && !std::signbit(y.item())));
    // In a gradient, too.
    const Tensor x = variable(one);
    BOOST_TEST(std::signbit(grad(Tensors{x * 2.0}, {x}, {zero})[0].item()));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
