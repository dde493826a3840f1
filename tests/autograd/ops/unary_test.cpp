#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <numbers>

#include "autograd/grad.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

Tensor exact_gelu(const Tensor& x) { return gelu(x); }
Tensor tanh_gelu(const Tensor& x) { return gelu(x, Gelu::tanh); }

struct Named {
  const char* name;
  Tensor (*f)(const Tensor&);
  double (*expected)(double);
};
const Named functions[] = {
    {"neg", neg, [](double x) { return -x; }},
    {"abs", abs, [](double x) { return std::fabs(x); }},
    {"sign", sign, [](double x) { return x > 0   ? 1.0
                                         : x < 0 ? -1.0
                                                 : x; }},
    {"exp", exp, [](double x) { return std::exp(x); }},
    {"log", log, [](double x) { return std::log(x); }},
    {"sqrt", sqrt, [](double x) { return std::sqrt(x); }},
    {"sin", sin, [](double x) { return std::sin(x); }},
    {"cos", cos, [](double x) { return std::cos(x); }},
    {"tanh", tanh, [](double x) { return std::tanh(x); }},
    {"sigmoid", sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }},
    {"erf", erf, [](double x) { return std::erf(x); }},
    {"relu", relu, [](double x) { return x < 0 ? 0 : x; }},
    {"gelu", exact_gelu, [](double x) { return x * (1 + std::erf(x / std::numbers::sqrt2)) / 2; }},
    {"gelu, tanh", tanh_gelu,
     [](double x) {
       return x / 2 * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
     }},
};

BOOST_AUTO_TEST_SUITE(unary)

BOOST_AUTO_TEST_CASE(values_are_those_of_the_standard_library) {
  Dice dice(Key(21));
  for (int round = 0; round < 50; ++round) {
    // Lengths around the width of vector registers, in magnitudes from 1e-6 to 100.
    const Shape shape = dice.shape(dice.between(0, 3), 1, 19);
    const double magnitude = std::pow(10, static_cast<double>(dice.between(-6, 2)));
    const Tensor x = dice.tensor(shape) * magnitude;
    for (const auto& [name, f, expected] : functions) {
      Grid y(x);
      for (double& value : y.values) value = expected(value);
      BOOST_TEST(distance(f(x), y) < 1e-13, name << ", magnitude " << magnitude);
      Grid narrow(cast(x, DType::f32));
      for (double& value : narrow.values) value = static_cast<float>(expected(value));
      BOOST_TEST(distance(f(cast(x, DType::f32)), narrow) < 3e-6,
                 name << " in f32, magnitude " << magnitude);
    }
  }
}

// Also in the middle of a vector register of ordinary numbers.
BOOST_AUTO_TEST_CASE(infinities_and_nan_survive) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor x = tensor({0.5, nan, 1, infinity, 2, -infinity, 0.25, 1, 3, 0}, dtype);
    const std::vector<double> values = numbers(x);
    for (const auto& [name, f, expected] : functions) {
      const std::vector<double> y = numbers(f(x));
      BOOST_TEST(std::isnan(y[1]), name);
      const std::string name_text = name;
      if (name_text.starts_with("gelu")) continue;  // −∞ · 0
      for (const std::size_t i : {3u, 5u, 9u}) {
        const double right = expected(values[i]);
        BOOST_TEST((y[i] == right || (std::isnan(y[i]) && std::isnan(right))),
                   name << " of " << values[i] << " is " << y[i]);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_long_tensor_gives_the_same_as_short_ones) {
  const Tensor x = normal({100'003}, 0, 2, Key(4));
  for (const auto& [name, f, expected] : functions) {
    const Tensor whole = f(abs(x) + 0.1);
    const Tensor part = f(slice(abs(x) + 0.1, 0, 70'001, 70'101));
    BOOST_TEST(same_bits(slice(whole, 0, 70'001, 70'101), part), name);
  }
}

BOOST_AUTO_TEST_CASE(kinks_have_the_documented_subgradients) {
  const Tensor x = variable(tensor({-2, 0, 3}));
  BOOST_TEST(numbers(grad(sum(relu(x)), {x})[0]) == (std::vector<double>{0, 0, 1}));
  BOOST_TEST(numbers(grad(sum(abs(x)), {x})[0]) == (std::vector<double>{-1, 0, 1}));
}

// The gradient is zeros, not the error that y does not depend on x.
BOOST_AUTO_TEST_CASE(sign_has_the_derivative_0) {
  const Tensor x = variable(tensor({-2, 0, 3}));
  BOOST_TEST(numbers(grad(sum(sign(x)), {x})[0]) == (std::vector<double>{0, 0, 0}));
  BOOST_TEST(numbers(grad(sum(pow(x, 0)), {x})[0]) == (std::vector<double>{0, 0, 0}));
}

BOOST_AUTO_TEST_CASE(saturated_functions_have_gradient_0) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor x = variable(tensor({-1000, 1000}, dtype));
    BOOST_TEST(numbers(grad(sum(sigmoid(x)), {x})[0]) == (std::vector<double>{0, 0}));
    BOOST_TEST(numbers(grad(sum(tanh(x)), {x})[0]) == (std::vector<double>{0, 0}));
    BOOST_TEST(numbers(grad(sum(erf(x)), {x})[0]) == (std::vector<double>{0, 0}));
    BOOST_TEST(numbers(grad(sum(gelu(x)), {x})[0]) == (std::vector<double>{0, 1}));
    BOOST_TEST(numbers(grad(sum(gelu(x, Gelu::tanh)), {x})[0]) == (std::vector<double>{0, 1}));
  }
}

BOOST_AUTO_TEST_CASE(sigmoid_is_exact_at_the_tails) {
  BOOST_TEST(sigmoid(scalar(-700, DType::f64)).item() == std::exp(-700.0),
             boost::test_tools::tolerance(1e-12));
  BOOST_TEST(sigmoid(scalar(-80)).item() == std::exp(-80.0), boost::test_tools::tolerance(1e-5));
}

// ---- Cast ---------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(cast_converts_every_type_to_every_other) {
  const DType all[] = {DType::f32, DType::f64, DType::i64, DType::b8};
  for (const DType from : all)
    for (const DType to : all) {
      const Tensor y = cast(tensor({0, 1, 1}, from), to);
      BOOST_TEST((y.dtype() == to));
      BOOST_TEST(numbers(y) == (std::vector<double>{0, 1, 1}));
    }
  BOOST_TEST(numbers(cast(tensor({-1, 0x1p60}), DType::i64)) == (std::vector<double>{-1, 0x1p60}));
  BOOST_TEST(numbers(cast(tensor({0.5, 0, -3}), DType::b8)) == (std::vector<double>{1, 0, 1}));
}

BOOST_AUTO_TEST_CASE(cast_returns_the_gradient_in_the_type_of_x) {
  const Tensor x = variable(tensor({1, 2}, DType::f32));
  const Tensor wide = cast(x, DType::f64);
  const Tensor y = sum(pow(wide, 3));
  const Tensor first = grad(y, {x}, {.create_graph = true})[0];
  BOOST_TEST((first.dtype() == DType::f32));
  BOOST_TEST(numbers(first) == (std::vector<double>{3, 12}));
  const Tensor second = grad(sum(first), {x})[0];
  BOOST_TEST((second.dtype() == DType::f32));
  BOOST_TEST(numbers(second) == (std::vector<double>{6, 12}));
}

BOOST_AUTO_TEST_CASE(a_cast_to_integers_has_no_history) {
  BOOST_TEST(!cast(variable(tensor({2})), DType::i64).tracked());
  BOOST_TEST(!cast(variable(tensor({1.5})), DType::b8).tracked());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
