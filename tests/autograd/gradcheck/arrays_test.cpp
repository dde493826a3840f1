#include "autograd/gradcheck/arrays.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numeric>

#include "tests/autograd/gradcheck/only.h"
#include "tests/autograd/support.h"

using namespace adjoint;
using namespace adjoint::testing;

namespace {

using Kind = Finding::Kind;

const std::vector<double> point = {0.5, -1.25, 2};
double sine_sum(std::span<const double> x) {
  double sum = 0;
  for (const double value : x) sum += std::sin(value) * x[0];
  return sum;
}
void sine_sum_gradient(std::span<const double> x, std::span<double> gradient) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    sum += std::sin(x[i]);
    gradient[i] = x[0] * std::cos(x[i]);
  }
  gradient[0] += sum;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(arrays_suite)

// ---- Functions of one array ---------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_right_gradient_passes) {
  const GradcheckReport report = check_gradient(sine_sum, sine_sum_gradient, point);
  BOOST_TEST(report, printed(report));
  BOOST_TEST(report.coverage[0].measured == 3);
  BOOST_TEST(report.worst_error < 1e-9);
}

BOOST_AUTO_TEST_CASE(a_wrong_gradient_is_found_and_named) {
  const auto doubled = [](std::span<const double> x, std::span<double> gradient) {
    sine_sum_gradient(x, gradient);
    for (double& value : gradient) value *= 2;
  };
  const GradcheckReport report = check_gradient(sine_sum, doubled, point);
  BOOST_TEST(report.count(Kind::mismatch) == 3u);
  BOOST_TEST(report.findings[0].where.starts_with("x["));
  BOOST_REQUIRE(report.diagnoses.size() == 1u);
  BOOST_TEST((report.diagnoses[0].kind == Diagnosis::Kind::factor), printed(report));
}

BOOST_AUTO_TEST_CASE(a_gradient_may_be_returned_and_x_be_a_list_or_a_vector) {
  const auto value = [](const std::vector<double>& x) { return x[0] * x[1]; };
  const auto gradient = [](const std::vector<double>& x) { return std::vector{x[1], x[0]}; };
  BOOST_TEST(check_gradient(value, gradient, {2.0, 3.0}));
  BOOST_TEST(check_gradient(value, gradient, std::array{2.0, 3.0}));
  const auto swapped = [](const std::vector<double>& x) { return x; };
  BOOST_TEST(!check_gradient(value, swapped, {2.0, 3.0}));
}

BOOST_AUTO_TEST_CASE(an_array_has_a_name_and_a_shape) {
  const auto zero = [](std::span<const double>, std::span<double> gradient) {
    std::ranges::fill(gradient, 0);
  };
  const Array<double> x{"weight", {1, 3}, point};
  const GradcheckReport report = check_gradient(sine_sum, zero, x);
  BOOST_TEST(report.findings.at(0).where.starts_with("weight[0, "));
}

BOOST_AUTO_TEST_CASE(a_function_of_floats_is_checked_in_f32_and_the_report_says_so) {
  const std::vector<float> x = {0.5F, -1.25F, 2};
  const auto value = [](std::span<const float> at) {
    return std::sin(at[0]) * at[1] + at[2] * at[2];
  };
  const auto gradient = [](std::span<const float> at) {
    return std::vector{std::cos(at[0]) * at[1], std::sin(at[0]), 2 * at[2]};
  };
  const GradcheckReport report = check_gradient(value, gradient, x);
  BOOST_TEST(report, printed(report));
  BOOST_TEST(printed(report).find("computed in f32") != std::string::npos, printed(report));
  const auto wrong = [&](std::span<const float> at) {
    std::vector<float> result = gradient(at);
    result[1] *= 1.01F;
    return result;
  };
  BOOST_TEST(only(check_gradient(value, wrong, x), Kind::mismatch) == "x[1]: ");
}

BOOST_AUTO_TEST_CASE(no_right_function_of_floats_fails) {
  using Floats = std::span<const float>;
  const auto mean = [](Floats x) {
    return std::accumulate(x.begin(), x.end(), 0.0F) / static_cast<float>(x.size());
  };
  const auto variance = [&](Floats x) {
    float sum = 0;
    for (const float value : x) sum += std::pow(value - mean(x), 2.0F);
    return sum / static_cast<float>(x.size());
  };
  const auto variance_gradient = [&](Floats x) {
    std::vector<float> result;
    for (const float value : x)
      result.push_back(2 * (value - mean(x)) / static_cast<float>(x.size()));
    return result;
  };
  const auto squares = [](Floats x) {
    return std::inner_product(x.begin(), x.end(), x.begin(), 0.0F);
  };
  const auto squares_gradient = [](Floats x) {
    std::vector<float> result(x.begin(), x.end());
    for (float& value : result) value *= 2;
    return result;
  };
  for (const float size : {1e-6F, 1.0F, 1e4F})
    for (const int count : {2, 10}) {
      std::vector<float> x;
      for (int i = 0; i < count; ++i)
        x.push_back(size * (3 + std::sin(static_cast<float>(7 * i + 1))));
      for (const GradcheckReport& report : {check_gradient(variance, variance_gradient, x),
                                            check_gradient(squares, squares_gradient, x)})
        BOOST_TEST((report.verdict() != Verdict::failed),
                   count << " elements of size " << size << ": " << printed(report));
    }
}

BOOST_AUTO_TEST_CASE(a_returned_gradient_of_another_size_is_an_error_of_the_gradient) {
  const auto gradient = [](std::span<const double>) { return std::vector{1.0}; };
  BOOST_TEST(only(check_gradient(sine_sum, gradient, point), Kind::error) ==
             "gradient: it threw: returned 1 elements where x has 3");
}

BOOST_AUTO_TEST_CASE(only_the_first_order_can_be_checked) {
  BOOST_CHECK_EXCEPTION(
      check_gradient(sine_sum, sine_sum_gradient, point, {.check = {.order = 2}}), Error,
      says("gradcheck: a function outside the library is checked in order 1, not 2"));
}

BOOST_AUTO_TEST_SUITE_END()
