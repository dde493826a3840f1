// The diagnoses that compare element by element, and those of repeated indices and reversed axes.
#include <boost/test/unit_test.hpp>

#include "autograd/functional.h"
#include "autograd/gradcheck/diagnosis/diagnosis.h"
#include "autograd/ops.h"
#include "tests/autograd/gradcheck/expected_diagnosis.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;
using Kind = Diagnosis::Kind;

BOOST_AUTO_TEST_SUITE(more_diagnoses)

BOOST_AUTO_TEST_CASE(backwards_along_an_axis) {
  expect(check(
             [](auto& x) {
               return gather(x[0], ints({3, 2, 1, 0}), 1);
             },
             [](auto&, auto& g) { return Tensors{g}; }, {random({2, 4}, 1)}),
         "x", Kind::reversed,
         "reversed along axis 1 of the gradient: analytic[i] is what belongs to [3 - i]");
}

BOOST_AUTO_TEST_CASE(a_repeated_index_that_is_overwritten) {
  const Tensor ids = ints({{1, 4, 1}, {0, 4, 1}});
  expect(check([=](auto& x) { return embedding(ids, x[0]); },
               [=](auto&, auto& g) {
                 Tensor table = copy(zeros({5, 2}, DType::f64));
                 for (Index k = 0; k < 6; ++k)
                   for (Index d = 0; d < 2; ++d)
                     table.edit<double>()[static_cast<std::size_t>(
                         2 * ids.values<Index>()[static_cast<std::size_t>(k)] + d)] =
                         g.at({k / 3, k % 3, d});
                 return Tensors{table};
               },
               {random({5, 2}, 1)}),
         "x", Kind::overwritten, "where an index repeats, only the last cotangent counts");
}

// The same mistake with a product behind the lookup, so that an output depends on a whole row.
BOOST_AUTO_TEST_CASE(a_repeated_row_that_is_overwritten) {
  const Tensor ids = ints({2, 0, 2, 1}), last = wide({{0}, {1}, {1}, {1}});
  const Tensor weight = random({2, 3}, 5);
  expect(check([=](auto& x) { return matmul(gather(x[0], ids), weight); },
               [=](auto&, auto& g) {
                 const Tensor rows = matmul(g, weight, Transposed::b);
                 return Tensors{scatter_add(rows * last, ids, 0, 3)};
               },
               {random({3, 2}, 1)}),
         "x", Kind::overwritten, "where an index repeats");
}

BOOST_AUTO_TEST_CASE(the_derivative_of_an_approximation) {
  expect(
      check([](auto& x) { return gelu(x[0]); },
            [](auto& x, auto& g) {
              return Tensors{vjp([](const Tensors& in) { return Tensors{gelu(in[0], Gelu::tanh)}; },
                                 {detach(x[0])})
                                 .pullback({g})[0]};
            },
            {random({3, 4}, 1)}),
      "x", Kind::approximation, "close, but not equal: within 0.0");
}

BOOST_AUTO_TEST_CASE(a_elementwise_factor_and_one_too_many) {
  const Values f = [](auto& x) { return x[0] * x[1]; };
  const Tensors xs = {random({2, 3}, 1), random({3}, 2)};
  expect(check(
             f,
             [](auto& x, auto& g) {
               return Tensors{g, sum_to(g * x[0], {3})};
             },
             xs),
         "x", Kind::elementwise_factor, "a factor is missing for each element: the value of w");
  expect(check(
             f,
             [](auto& x, auto& g) {
               return Tensors{g * x[1] * x[0] * x[1], sum_to(g * x[0], {3})};
             },
             xs),
         "x", Kind::elementwise_factor,
         "a factor is one too many for each element: the value of the output");
}

// The factor depends on a product, which is neither an input nor the output.
BOOST_AUTO_TEST_CASE(the_derivative_of_another_activation) {
  const Tensors xs = {random({2, 3}, 1), random({3, 4}, 2)};
  const GradcheckReport report =
      check([](auto& x) { return tanh(matmul(x[0], x[1])); },
            [](auto& x, auto& g) {
              const Tensor z = sigmoid(matmul(x[0], x[1])), dz = g * z * (1 - z);
              return Tensors{matmul(dz, x[1], Transposed::b), matmul(x[0], dz, Transposed::a)};
            },
            xs);
  BOOST_TEST_REQUIRE(report.diagnoses.size() == 2u, report);
  for (const Diagnosis& diagnosis : report.diagnoses) {
    BOOST_TEST(name_of(diagnosis.kind) == "elementwise factor");
    BOOST_TEST(diagnosis.text.starts_with("right up to a factor for each element of the cotangent"),
               diagnosis.text);
  }
}

BOOST_AUTO_TEST_CASE(a_complementary_factor_whose_gate_is_inside) {
  expect(check([](auto& x) { return sigmoid(x[0]) * x[1] + (1 - sigmoid(x[0])) * sin(x[0]); },
               [](auto& x, auto& g) {
                 const Tensor z = sigmoid(x[0]);
                 const Tensors right = vjp(
                                           [](const Tensors& in) {
                                             const Tensor gate = sigmoid(in[0]);
                                             return Tensors{gate * in[1] + (1 - gate) * sin(in[0])};
                                           },
                                           {detach(x[0]), detach(x[1])})
                                           .pullback({g});
                 return Tensors{right[0], g * (1 - z)};
               },
               {random({2, 3}, 1), random({2, 3}, 2)}),
         "w", Kind::complement, "1 − z in place of z, where z is sigmoid(x)");
}

BOOST_AUTO_TEST_CASE(a_complementary_factor) {
  expect(check([](auto& x) { return sigmoid(x[0]); },
               [](auto& x, auto& g) {
                 const Tensor y = sigmoid(x[0]);
                 return Tensors{g * y * y};
               },
               {random({3, 4}, 1)}),
         "x", Kind::complement, "z in place of 1 − z, where z is the output");
  // The gate is no input: what is left is that both derivatives add up to one.
  const Values blend = [](auto& x) {
    const Tensor z = sigmoid(3 * x[1]);
    return z * x[0] + (1 - z) * sin(x[1]);
  };
  const GradcheckReport report =
      check(blend,
            [&](auto& x, auto& g) {
              const Tensors right = vjp([&](const Tensors& in) { return Tensors{blend(in)}; },
                                        {detach(x[0]), detach(x[1])})
                                        .pullback({g});
              return Tensors{g * (1 - sigmoid(3 * x[1])), right[1]};
            },
            {random({2, 3}, 1), random({2, 3}, 2)});
  expect(report, "x", Kind::complement,
         "z in place of 1 − z (or the reverse): analytic + numeric is 1 everywhere");
}

BOOST_AUTO_TEST_CASE(a_clipped_gradient) {
  expect(check([](auto& x) { return matmul(x[0], x[1]); },
               [](auto& x, auto& g) {
                 return Tensors{clamp(matmul(g, x[1], Transposed::b), -0.5, 0.5),
                                matmul(x[0], g, Transposed::a)};
               },
               {random({2, 3}, 1), random({3, 2}, 2)}),
         "x", Kind::not_linear,
         "not linear in the cotangent: clipped, no element is larger than 0.5");
}

// What is left of 53 bits says little about f32.
BOOST_AUTO_TEST_CASE(the_precision_is_told_and_f32_only_guessed_where_it_fits) {
  const auto text = [](double error) {
    Measurement m{.order = 1,
                  .input = 0,
                  .name = "x",
                  .shape = {3},
                  .outputs = {{}},
                  .jacobian = false,
                  .cotangents = wide({{1}}),
                  .analytic = wide({{1 + error, 2 - error, 3}}),
                  .numeric = wide({{1, 2, 3}}),
                  .error = wide({{0, 0, 0}})};
    GradcheckReport report;
    report.coverage.push_back({.order = 1, .inputs = 3, .outputs = 1});
    report.add({.input = 0, .element = 0});
    report.measurements.push_back(m);
    checking::diagnose(report);
    return report.diagnoses.at(0).text;
  };
  BOOST_TEST(text(3e-7) ==
             "right to about 1e-07 of the largest element: is something computed in f32?");
  BOOST_TEST(text(3e-11).find("are digits lost where nearly equal numbers") != std::string::npos);
  BOOST_TEST(text(3e-11).find("f32") == std::string::npos);
  BOOST_TEST(text(1.2e-14).find("f32") == std::string::npos);
  BOOST_TEST(text(1.2e-14).find("the rounding of f64") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
