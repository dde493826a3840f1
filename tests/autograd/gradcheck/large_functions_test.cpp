// Functions with too many elements to check one by one: the checker projects their derivatives.
#include <boost/test/unit_test.hpp>

#include "tests/autograd/gradcheck/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;
using Kind = Finding::Kind;

// y = Σx²/2, with a wrong vjp x̄ = ȳ (x + E), where the elements of E are ± error.
struct Tilted {
  static constexpr auto name = "test_tilted";
  static constexpr Operands reads = {input(0)};
  double error;
  Form form(Inputs in) const { return {{}, in[0].dtype()}; }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    T total = 0;
    for (const T x : in[0].values<T>()) total += x * x;
    out[0].edit<T>()[0] = total / 2;
  }
  Tensors vjp(const Pullback& back) const {
    const Tensor x = back.input(0);
    const Tensor random_sign = sign(normal(x.shape(), 0, 1, Key(1), x.dtype()));
    return {back.cotangent() * (x + error * random_sign)};
  }
};

BOOST_AUTO_TEST_SUITE(gradcheck_of_large_functions)

BOOST_AUTO_TEST_CASE(large_functions_are_projected) {
  const Tensor x = random({200, 300}, 1), y = random({300}, 2);
  const Function f = [](const Tensors& in) { return Tensors{tanh(in[0]) * in[1]}; };
  const GradcheckReport report = gradcheck(f, {x, y}, {.order = 2});
  BOOST_TEST(report);
  BOOST_TEST(report.coverage[0].projections == 4);
  BOOST_TEST(report.coverage[0].could_be_missed < 1e-6);
  BOOST_TEST(report.coverage[0].could_be_missed > 0);
  BOOST_TEST(lines(printed(report)) == 1);
}

BOOST_AUTO_TEST_CASE(one_wrong_element_of_many_is_found) {
  const Tensor x = random({20'000}, 1), bias = random({1}, 2);
  const Function f = [](const Tensors& in) {
    return Tensors{tanh(apply(Forgetful{12'345}, in[0])) + in[1]};
  };
  const GradcheckReport report = gradcheck(f, {x, bias});
  BOOST_TEST(!report);
  BOOST_TEST(report.findings.size() == 1u);
  BOOST_TEST(report.findings[0].where == "input 0[12345]");
}

BOOST_AUTO_TEST_CASE(two_hundred_thousand_parameters_are_checked) {
  const Tensor weights = random({200'000}, 1);
  const auto loss = [](Index forgotten) {
    return [=](const Tensors& in) {
      return Tensors{mean(pow(tanh(apply(Forgetful{forgotten}, in[0])), 2))};
    };
  };
  const GradcheckReport right = gradcheck(loss(-1), {weights});
  BOOST_TEST(right);
  BOOST_TEST(right.coverage[0].inputs == 200'000);
  const GradcheckReport wrong = gradcheck(loss(165'432), {weights}, {.walk = false});
  BOOST_TEST(!wrong);
  BOOST_TEST(wrong.findings[0].where == "input 0[165432]");
}

// The report states the size of an error that it would miss once in a thousand times.
BOOST_AUTO_TEST_CASE(the_size_of_error_that_could_be_missed_is_honest) {
  const Tensor x = ones({100}, DType::f64);  // the gradient then has size 1
  const GradcheckOptions projected = {.elements_up_to = 0, .coordinates = 0};
  const auto f = [](double error) {
    return [=](const Tensors& in) { return Tensors{apply(Tilted{error}, in[0])}; };
  };
  BOOST_TEST(!gradcheck(f(1e-3), {x}, projected));
  int escaped = 0;
  for (std::uint64_t trial = 0; trial < 100; ++trial) {
    GradcheckOptions options = projected;
    options.key = Key(trial);
    const double stated = gradcheck(f(0), {x}, options).coverage[0].could_be_missed;
    escaped += gradcheck(f(stated), {x}, options) ? 1 : 0;
  }
  BOOST_TEST(escaped <= 2);
}

BOOST_AUTO_TEST_CASE(a_kink_among_many_elements_is_found_and_passed) {
  Tensor x = random({10'000}, 1);
  x.edit<double>()[777] = 0;
  const GradcheckReport report = gradcheck(of_one(relu), {x}, {.order = 2});
  BOOST_TEST(report);
  BOOST_TEST(report.count(Kind::kink) == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
