#include <boost/test/unit_test.hpp>
#include <cmath>
#include <stdexcept>

#include "autograd/gradcheck/arrays.h"
#include "tests/autograd/gradcheck/only.h"
#include "tests/autograd/support.h"

using namespace adjoint;
using namespace adjoint::testing;

namespace {

using Kind = Finding::Kind;

const std::vector<double> point = {0.5, -1.25, 2};

// C = A B, with A of [2, 3] and B of [3, 4].
template <class T>
void product(const Spans<const T>& in, const Spans<T>& out) {
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t j = 0; j < 4; ++j) {
      T sum = 0;
      for (std::size_t k = 0; k < 3; ++k) sum += in[0][i * 3 + k] * in[1][k * 4 + j];
      out[0][i * 4 + j] = sum;
    }
}
// Adds to the gradients.
template <class T>
void add_product_gradients(const Spans<const T>& in, const Spans<const T>& cotangents,
                           const Spans<T>& gradients) {
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t j = 0; j < 4; ++j)
      for (std::size_t k = 0; k < 3; ++k) {
        gradients[0][i * 3 + k] += cotangents[0][i * 4 + j] * in[1][k * 4 + j];
        gradients[1][k * 4 + j] += cotangents[0][i * 4 + j] * in[0][i * 3 + k];
      }
}
template <class T>
void product_gradients(const Spans<const T>& in, const Spans<const T>&,
                       const Spans<const T>& cotangents, const Spans<T>& gradients) {
  for (const std::span<T> gradient : gradients) std::ranges::fill(gradient, T{0});
  add_product_gradients(in, cotangents, gradients);
}

template <class T>
std::vector<Array<T>> factors() {
  std::vector<T> a, b;
  for (int i = 0; i < 6; ++i) a.push_back(std::sin(static_cast<T>(i + 1)));
  for (int i = 0; i < 12; ++i) b.push_back(std::cos(static_cast<T>(i + 1)));
  return {{"a", {2, 3}, a}, {"b", {3, 4}, b}};
}
const std::vector<ArrayForm> product_form = {{"c", {2, 4}}};

template <class Backward>
GradcheckReport check_product(Backward backward, const ArrayOptions& options = {}) {
  return check_vjp(product<double>, backward, factors<double>(), product_form, options);
}

// A kernel of one array, y = x², with a fault.
using In = const Spans<const double>&;
using Out = const Spans<double>&;
void square(In in, Out out) {
  for (std::size_t i = 0; i < in[0].size(); ++i) out[0][i] = in[0][i] * in[0][i];
}
void square_backward(In in, In, In cotangents, Out gradients) {
  for (std::size_t i = 0; i < in[0].size(); ++i) gradients[0][i] = 2 * in[0][i] * cotangents[0][i];
}
template <class Forward, class Backward>
GradcheckReport check_square(Forward forward, Backward backward) {
  return check_vjp(forward, backward, {{"x", {3}, point}}, {{"y", {3}}});
}
void write(std::span<const double> array, std::ptrdiff_t position, double value) {
  const_cast<double*>(array.data())[position] = value;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(array_kernels_suite)

// ---- Kernels ------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_right_kernel_passes_in_both_precisions) {
  const GradcheckReport wide = check_product(product_gradients<double>);
  BOOST_TEST(wide, printed(wide));
  BOOST_TEST(wide.coverage[0].jacobian);
  const GradcheckReport narrow =
      check_vjp<float>(product<float>, product_gradients<float>, factors<float>(), product_form);
  BOOST_TEST(narrow, printed(narrow));
}

BOOST_AUTO_TEST_CASE(a_transposed_gradient_is_named_for_raw_arrays_too) {
  const auto square_product = [](In in, Out out) {
    for (std::size_t i = 0; i < 9; ++i) out[0][i] = std::pow(in[0][i], 3);
  };
  const auto transposed = [](In in, In, In cotangents, Out gradients) {
    for (std::size_t i = 0; i < 3; ++i)
      for (std::size_t j = 0; j < 3; ++j)
        gradients[0][j * 3 + i] =
            3 * in[0][i * 3 + j] * in[0][i * 3 + j] * cotangents[0][i * 3 + j];
  };
  std::vector<double> x;
  for (int i = 0; i < 9; ++i) x.push_back(0.3 + i);
  const GradcheckReport report =
      check_vjp(square_product, transposed, {{"x", {3, 3}, x}}, {{"y", {3, 3}}});
  BOOST_REQUIRE(report.diagnoses.size() == 1u);
  BOOST_TEST((report.diagnoses[0].kind == Diagnosis::Kind::transposed), printed(report));
}

BOOST_AUTO_TEST_CASE(several_outputs_each_have_a_cotangent) {
  const auto forward = [](In in, Out out) {
    out[0][0] = in[0][0] * in[1][0];
    out[1][0] = in[0][0] + in[1][1];
    out[1][1] = std::exp(in[1][1]);
  };
  const auto backward = [](In in, In out, In y, Out x) {
    x[0][0] = y[0][0] * in[1][0] + y[1][0];
    x[1][0] = y[0][0] * in[0][0];
    x[1][1] = y[1][0] + y[1][1] * out[1][1];
  };
  const std::vector<Array<double>> inputs = {{"a", {}, {2}}, {"b", {2}, {0.5, 0.25}}};
  const std::vector<ArrayForm> outputs = {{"y", {}}, {"z", {2}}};
  BOOST_TEST(check_vjp(forward, backward, inputs, outputs));
  const auto without_first = [](In in, In out, In y, Out x) {
    x[0][0] = y[1][0];
    x[1][0] = y[0][0] * in[0][0];
    x[1][1] = y[1][0] + y[1][1] * out[1][1];
  };
  BOOST_TEST(only(check_vjp(forward, without_first, inputs, outputs), Kind::mismatch) == "a: ");
}

BOOST_AUTO_TEST_CASE(a_layer_may_keep_what_its_backward_needs) {
  std::span<const double> kept;  // gone after one backward
  const auto forward = [&](In in, Out out) {
    kept = in[0];
    square(in, out);
  };
  const auto backward = [&](In, In, In cotangents, Out gradients) {
    for (std::size_t i = 0; i < gradients[0].size(); ++i)
      gradients[0][i] = 2 * (kept.empty() ? 0 : kept[i]) * cotangents[0][i];
    kept = {};
  };
  BOOST_TEST(check_square(forward, backward));
}

BOOST_AUTO_TEST_CASE(a_jvp_is_compared_with_the_backward) {
  int calls = 0;
  const auto check_jvp = [&](double factor) {
    const auto jvp = [&](In in, In tangents, Out result) {
      ++calls;
      for (std::size_t i = 0; i < in[0].size(); ++i)
        result[0][i] = factor * in[0][i] * tangents[0][i];
    };
    return check_vjp(square, square_backward, {{"x", {3}, point}}, {{"y", {3}}}, {}, jvp);
  };
  BOOST_TEST(check_jvp(2));
  BOOST_TEST(!check_jvp(2.5));
  BOOST_TEST(calls > 0);
}

BOOST_AUTO_TEST_CASE(reports_call_outputs_by_their_names) {
  const auto backward = [](In in, In out, In cotangents, Out gradients) {
    square_backward(in, out, cotangents, gradients);
    gradients[0][1] = 0;
  };
  const GradcheckReport report = check_square(square, backward);
  for (const Measurement& measured : report.measurements) BOOST_TEST(measured.jacobian);
  BOOST_TEST(only(report, Kind::mismatch) == "x[1]: ");
  BOOST_TEST(printed(report).find("output 0") == std::string::npos, printed(report));
  const auto jumps = [](In in, Out out) {
    square(in, out);
    out[0][2] = std::nan("");
  };
  BOOST_TEST(only(check_square(jumps, square_backward), Kind::not_finite) ==
             "y[2]: the value is nan");
}

// ---- What a kernel does beside computing --------------------------------------------------------

BOOST_AUTO_TEST_CASE(an_element_of_a_gradient_that_is_not_written_is_named) {
  const auto backward = [](In in, In out, In cotangents, Out gradients) {
    const double before = gradients[0][2];
    square_backward(in, out, cotangents, gradients);
    gradients[0][2] = before;
  };
  const GradcheckReport report = check_square(square, backward);
  BOOST_TEST(only(report, Kind::side_effect) ==
             "the gradient of x: element [2] was not written by the backward");
  BOOST_TEST(only(report, Kind::mismatch) == "x[2]: ");
  BOOST_TEST(check_square(square, square_backward));
}

BOOST_AUTO_TEST_CASE(a_gradient_that_is_added_to_what_was_there_is_named) {
  const auto backward = [](In in, In, In cotangents, Out gradients) {
    add_product_gradients(in, cotangents, gradients);
  };
  const GradcheckReport report = check_product(backward);
  BOOST_TEST(report.count(Kind::side_effect) == 2u);
  BOOST_TEST(report.count(Kind::mismatch) == 0u);  // the derivative itself is right
  BOOST_TEST(report.findings[0].where + ": " + report.findings[0].note ==
             "the gradient of a: element [0, 0] was added to what was there, not stored, by the "
             "backward; and 5 more like it");
}

BOOST_AUTO_TEST_CASE(where_gradients_are_added_the_sum_is_checked) {
  const auto backward = [](In in, In, In cotangents, Out gradients) {
    add_product_gradients(in, cotangents, gradients);
  };
  const GradcheckReport report = check_product(backward, {.accumulates = true});
  BOOST_TEST(report, printed(report));
  const GradcheckReport stored = check_product(product_gradients<double>, {.accumulates = true});
  BOOST_TEST(stored.count(Kind::side_effect) == 2u);
  BOOST_TEST(stored.findings[0].note ==
             "element [0, 0] was overwritten, not added to, by the backward; and 5 more like it");
}

BOOST_AUTO_TEST_CASE(gradients_of_any_size_are_told_apart_from_what_was_there) {
  for (const double size : {1e-12, 1e12}) {
    const auto forward = [&](In in, Out out) { out[0][0] = size * in[0][0]; };
    const auto stores = [&](In, In, In y, Out x) { x[0][0] = size * y[0][0]; };
    const auto adds = [&](In, In, In y, Out x) { x[0][0] += size * y[0][0]; };
    const std::vector<Array<double>> inputs = {{"x", {}, {2}}};
    BOOST_TEST(check_vjp(forward, stores, inputs, {{"y", {}}}));
    BOOST_TEST(!check_vjp(forward, adds, inputs, {{"y", {}}}));
    BOOST_TEST(check_vjp(forward, adds, inputs, {{"y", {}}}, {.accumulates = true}));
    BOOST_TEST(!check_vjp(forward, stores, inputs, {{"y", {}}}, {.accumulates = true}));
  }
}

BOOST_AUTO_TEST_CASE(an_output_that_is_not_written_is_named) {
  const auto forward = [](In in, Out out) {
    for (std::size_t i = 0; i < 2; ++i) out[0][i] = in[0][i] * in[0][i];
  };
  const GradcheckReport report = check_square(forward, square_backward);
  BOOST_TEST(only(report, Kind::side_effect) == "y: element [2] was not written by the forward");
}

BOOST_AUTO_TEST_CASE(an_array_that_is_changed_is_named) {
  const auto changes = [](auto which) {
    return [which](In in, In out, In cotangents, Out gradients) {
      square_backward(in, out, cotangents, gradients);
      write(which(in, out, cotangents), 1, 7);
    };
  };
  const auto input = changes([](In in, In, In) { return in[0]; });
  BOOST_TEST(only(check_square(square, input), Kind::side_effect) ==
             "x: the backward changed it: element [1] was -1.25, now is 7");
  const auto output = changes([](In, In out, In) { return out[0]; });
  BOOST_TEST(only(check_square(square, output), Kind::side_effect) ==
             "y: the backward changed it: element [1] was 1.5625, now is 7");
  const auto cotangent = changes([](In, In, In cotangents) { return cotangents[0]; });
  BOOST_TEST(only(check_square(square, cotangent), Kind::side_effect)
                 .starts_with("the cotangent of y: the backward changed it: element [1] was "));
  const auto forward = [](In in, Out out) {
    square(in, out);
    write(in[0], 0, -1);
  };
  BOOST_TEST(only(check_square(forward, square_backward), Kind::side_effect) ==
             "x: the forward changed it: element [0] was 0.5, now is -1");
}

BOOST_AUTO_TEST_CASE(a_write_outside_of_an_array_is_named) {
  const auto backward = [](In in, In out, In cotangents, Out gradients) {
    square_backward(in, out, cotangents, gradients);
    write(gradients[0], 3, 0);
    write(gradients[0], 4, 0);
  };
  BOOST_TEST(only(check_square(square, backward), Kind::side_effect) ==
             "the gradient of x: the backward wrote outside of it: 2 elements behind its end");
  const auto forward = [](In in, Out out) {
    square(in, out);
    write(out[0], -1, 0);
  };
  BOOST_TEST(only(check_square(forward, square_backward), Kind::side_effect) ==
             "y: the forward wrote outside of it: 1 element before its beginning");
}

BOOST_AUTO_TEST_CASE(what_is_read_outside_of_an_array_is_not_a_number) {
  const auto forward = [](In in, Out out) {
    for (std::ptrdiff_t i = 0; i < 3; ++i)
      out[0][static_cast<std::size_t>(i)] = in[0].data()[i] * in[0].data()[i + 1];
  };
  const GradcheckReport report = check_square(forward, square_backward);
  BOOST_TEST(report.count(Kind::not_finite) == 1u, printed(report));
}

BOOST_AUTO_TEST_CASE(what_a_function_throws_at_the_point_is_a_finding_in_its_own_words) {
  const auto throws = [](In, Out) { throw std::runtime_error("no such axis"); };
  BOOST_TEST(only(check_square(throws, square_backward), Kind::error) ==
             "forward: it threw: no such axis");
  const auto backward = [](In, In, In, Out) { throw 7; };
  const GradcheckReport report = check_square(square, backward);
  BOOST_TEST(only(report, Kind::error) ==
             "backward: it threw something that is not a std::exception");
  BOOST_TEST((report.verdict() == Verdict::failed));
}

// ---- Wrong use ----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(wrong_use_is_an_error) {
  const std::vector<double> four(4);
  BOOST_CHECK_EXCEPTION(check_vjp(square, square_backward, {{"x", {3}, four}}, {{"y", {3}}}), Error,
                        says("gradcheck: x has 4 values, its shape [3] has 3"));
  BOOST_CHECK_EXCEPTION(check_vjp(square, square_backward, {{"", {3}, four}}, {{"y", {3}}}), Error,
                        says("gradcheck: input 0 has 4 values, its shape [3] has 3"));
  BOOST_CHECK_EXCEPTION(check_vjp(nullptr, square_backward, {{"x", {4}, four}}, {{"y", {4}}}),
                        Error, says("gradcheck: the function is empty"));
  BOOST_CHECK_EXCEPTION(check_vjp(square, square_backward, {}, {{"y", {4}}}), Error,
                        says("gradcheck: there is nothing to check: no input is real"));
}

BOOST_AUTO_TEST_SUITE_END()
