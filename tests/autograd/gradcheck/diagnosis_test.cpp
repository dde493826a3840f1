// The diagnosis of a failing gradient check: one realistic mistake of each kind. mutations_test.cpp
// and checks/mutations.cpp measure how well it does in general.
#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "autograd/gradcheck.h"
#include "autograd/observer.h"
#include "autograd/ops.h"
#include "tests/autograd/gradcheck/expected_diagnosis.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;
using Kind = Diagnosis::Kind;

// Correct vjps, for tests to break.
const Values product = [](const Tensors& x) { return matmul(x[0], x[1]); };
Tensor left(const Tensors& x, const Tensor& g) { return matmul(g, x[1], Transposed::b); }
Tensor right(const Tensors& x, const Tensor& g) { return matmul(x[0], g, Transposed::a); }
const Values shifted_rows = [](const Tensors& x) { return x[0] + x[1]; };
const Values soft = [](const Tensors& x) { return softmax(x[0]); };

BOOST_AUTO_TEST_SUITE(diagnosis)

BOOST_AUTO_TEST_CASE(a_right_function_gets_no_diagnosis) {
  const GradcheckReport report = check(product,
                                       [](auto& x, auto& g) {
                                         return Tensors{left(x, g), right(x, g)};
                                       },
                                       {random({2, 3}, 1), random({3, 2}, 2)});
  BOOST_TEST(report);
  BOOST_TEST(report.diagnoses.empty());
}

BOOST_AUTO_TEST_CASE(a_sign) {
  expect(check(product,
               [](auto& x, auto& g) {
                 return Tensors{-left(x, g), right(x, g)};
               },
               {random({2, 3}, 1), random({3, 2}, 2)}),
         "x", Kind::sign, "the sign is wrong");
}

BOOST_AUTO_TEST_CASE(a_constant_factor_and_where_it_may_come_from) {
  const GradcheckReport report = check(product,
                                       [](auto& x, auto& g) {
                                         return Tensors{left(x, g), right(x, g) / 5};
                                       },
                                       {random({5, 3}, 1), random({3, 2}, 2)});
  expect(report, "w", Kind::factor,
         "0.2 × what it should be, throughout (a constant factor; a mean in place of a sum over 5");
  BOOST_TEST(report.diagnoses[0].factor == 0.2, boost::test_tools::tolerance(1e-6));
}

BOOST_AUTO_TEST_CASE(a_factor_very_near_one_is_not_rounding) {
  expect(check(product,
               [](auto& x, auto& g) {
                 return Tensors{(1 + 1e-6) * left(x, g), right(x, g)};
               },
               {random({2, 3}, 1), random({3, 2}, 2)}),
         "x", Kind::factor, "");
}

BOOST_AUTO_TEST_CASE(a_detached_value) {
  expect(check(product,
               [](auto& x, auto& g) {
                 return Tensors{left(x, g), 0 * x[1]};
               },
               {random({2, 3}, 1), random({3, 2}, 2)}),
         "w", Kind::zero, "zero where it should not be");
}

BOOST_AUTO_TEST_CASE(single_precision) {
  expect(check(product,
               [](auto& x, auto& g) {
                 return Tensors{cast(cast(left(x, g), DType::f32), DType::f64), right(x, g)};
               },
               {random({2, 3}, 1), random({3, 2}, 2)}),
         "x", Kind::precision, "right to about ");
}

BOOST_AUTO_TEST_CASE(the_gradient_of_another_input) {
  expect(check([](auto& x) { return x[0] * x[1]; },
               [](auto& x, auto& g) {
                 return Tensors{g * x[0], g * x[0]};
               },
               {random({2, 3}, 1), random({2, 3}, 2)}),
         "x", Kind::other_input, "it is the gradient that belongs to w");
}

BOOST_AUTO_TEST_CASE(a_transposed_gradient) {
  expect(check(product,
               [](auto& x, auto& g) {
                 return Tensors{left(x, g), transpose(right(x, g))};
               },
               {random({2, 3}, 1), random({3, 3}, 2)}),
         "w", Kind::transposed, "transposed: analytic[i, j] is what belongs to [j, i]");
}

BOOST_AUTO_TEST_CASE(a_transposed_factor) {
  expect(check(product,
               [](auto& x, auto& g) {
                 return Tensors{matmul(g, x[1]), right(x, g)};
               },
               {random({2, 3}, 1), random({3, 3}, 2)}),
         "x", Kind::transposed, "a factor is transposed");
}

BOOST_AUTO_TEST_CASE(an_index_that_is_off_by_one) {
  expect(check(
             [](auto& x) {
               return gather(x[0], ints({0, 2}));
             },
             [](auto&, auto& g) {
               return Tensors{scatter_add(g, ints({1, 3}), 0, 5)};
             },
             {random({5, 2}, 1)}),
         "x", Kind::shifted, "off by one along axis 0 of the gradient");
}

BOOST_AUTO_TEST_CASE(examples_in_another_order) {
  const Tensor order = ints({3, 1, 0, 2});
  expect(check([](auto& x) { return sin(x[0]); },
               [=](auto& x, auto& g) { return Tensors{gather(g * cos(x[0]), order)}; },
               {random({4, 2}, 1)}),
         "x", Kind::wrong_example,
         "examples (or rows) are confused along axis 0 of the gradient: "
         "analytic[0] is what belongs to [3]");
}

BOOST_AUTO_TEST_CASE(statistics_over_all_examples) {
  expect(check(soft,
               [](auto& x, auto& g) {
                 const Tensor y = softmax(x[0]);
                 return Tensors{y * (g - sum(g * y))};  // over all rows instead of each
               },
               {random({3, 4}, 1)}),
         "x", Kind::wrong_example, "it mixes the rows of axis 0 (examples?)");
}

BOOST_AUTO_TEST_CASE(a_broadcast_that_is_not_undone) {
  expect(check(shifted_rows,
               [](auto&, auto& g) {
                 return Tensors{g, reshape(slice(g, 0, 0, 1), {3})};
               },
               {random({4, 3}, 1), random({3}, 2)}),
         "w", Kind::missing_sum, "not summed over axis 0 of the output");
}

BOOST_AUTO_TEST_CASE(a_sum_over_too_many_axes) {
  expect(check(shifted_rows,
               [](auto&, auto& g) {
                 return Tensors{g, broadcast_to(sum(g), {3})};
               },
               {random({4, 3}, 1), random({3}, 2)}),
         "w", Kind::extra_sum, "summed over axis 0 of the gradient too");
}

BOOST_AUTO_TEST_CASE(the_wrong_axis) {
  expect(check(soft,
               [](auto& x, auto& g) {
                 const Tensor y = transpose(softmax(transpose(x[0])));
                 return Tensors{y * (g - sum(g * y, {0}, Keep::yes))};
               },
               {random({3, 3}, 1)}),
         "x", Kind::wrong_axis,
         "the wrong axis: it pairs axis 1 of the input with axis 1 of the output, and should pair "
         "axis "
         "0 of the input with axis 0 of the output");
}

BOOST_AUTO_TEST_CASE(a_stale_mask) {
  const auto masked = [](const Tensor& mask) {
    return [=](const Tensors& x) { return masked_softmax(x[0], mask); };
  };
  expect(check(masked(bools({{1, 1, 0, 1}, {1, 1, 1, 0}})),
               [](auto& x, auto& g) {
                 const Tensor y = masked_softmax(x[0], bools({{1, 1, 1, 0}, {1, 1, 1, 0}}));
                 return Tensors{y * (g - sum(g * y, {-1}, Keep::yes))};
               },
               {random({2, 4}, 1)}),
         "x", Kind::wrong_mask,
         "a gradient where there should be none, first at x[0, 2] for output[0, 0]");
}

BOOST_AUTO_TEST_CASE(a_term_that_couples_elements) {
  expect(
      check(soft, [](auto& x, auto& g) { return Tensors{softmax(x[0]) * g}; }, {random({3, 3}, 1)}),
      "x", Kind::missing_term, "a term is missing that couples elements along axis 1 of the input");
}

BOOST_AUTO_TEST_CASE(the_last_term_of_a_sum) {
  expect(check(product,
               [](auto& x, auto& g) {
                 return Tensors{left(x, g), right({slice(x[0], 0, 0, 3), x[1]}, slice(g, 0, 0, 3))};
               },
               {random({4, 3}, 1), random({3, 2}, 2)}),
         "w", Kind::missing_term, "the sum over axis 0 of the output is incomplete: index 3");
}

BOOST_AUTO_TEST_CASE(a_rule_that_is_not_linear) {
  const GradcheckReport report =
      check([](auto& x) { return x[0] * 2; }, [](auto&, auto& g) { return Tensors{g * abs(g)}; },
            {random({4}, 1)});
  expect(report, "x", Kind::not_linear, "not linear in the cotangent");
}

BOOST_AUTO_TEST_CASE(each_wrong_input_has_its_own_diagnosis) {
  const GradcheckReport report = check(product,
                                       [](auto& x, auto& g) {
                                         return Tensors{-left(x, g), 2 * right(x, g)};
                                       },
                                       {random({2, 3}, 1), random({3, 2}, 2)});
  BOOST_TEST_REQUIRE(report.diagnoses.size() == 2u);
  BOOST_TEST(name_of(report.diagnoses[0].kind) == "sign");
  BOOST_TEST(name_of(report.diagnoses[1].kind) == "factor");
  BOOST_TEST(report.diagnoses[1].input == 1);
}

// x̄ is right but recorded wrongly: 2x counts as a constant.
BOOST_AUTO_TEST_CASE(a_mistake_of_second_order) {
  const GradcheckReport report =
      check([](auto& x) { return x[0] * x[0]; },
            [](auto& x, auto& g) { return Tensors{g * detach(2 * x[0])}; }, {random({4}, 1)},
            {.order = 2});
  expect(report, "x", Kind::zero, "zero where it should not be: is a value detached");
  BOOST_TEST(report.diagnoses[0].order == 2);
}

// At a kink there is no derivative to compare with.
BOOST_AUTO_TEST_CASE(kinks_do_not_count) {
  Tensor x = random({6}, 1);
  x.edit<double>()[2] = 0;
  expect(check([](auto& in) { return relu(in[0]); },
               [](auto& in, auto& g) {
                 return Tensors{-g * cast(greater(in[0], 0 * in[0]), DType::f64)};
               },
               {x}),
         "x", Kind::sign, "the sign is wrong");
}

// Two measured neighbours among many unmeasured elements do not prove that a pair changed places.
BOOST_AUTO_TEST_CASE(unmeasured_elements_are_no_evidence) {
  struct HalfBias : Observer {  // the bias gets its gradient from the first rows only
    void after_vjp(const Node& node, const Pullback& back, Tensors& gradients) override {
      if (std::string_view(node.name()) == "add" && gradients[1].defined())
        gradients[1] = reshape(slice(back.cotangent(), 0, 0, 1), back.shape(1));
    }
  } mistake;
  const Observing planted(mistake);
  const auto random = [](const Shape& shape, std::uint64_t seed) {
    return normal(shape, 0, 1, Key(seed), DType::f64);
  };
  const Function f = [](const Tensors& in) {
    return Tensors{matmul(in[0], in[1], Transposed::b) + in[2]};
  };
  const GradcheckReport report =
      gradcheck(f, {random({40, 100}, 1), random({80, 100}, 2), random({80}, 3)}, {.walk = false});
  BOOST_TEST(!report);
  for (const Diagnosis& diagnosis : report.diagnoses)
    BOOST_TEST((diagnosis.kind != Diagnosis::Kind::shifted), diagnosis.text);
}

// Only a few of many elements are measured, and those must suffice.
BOOST_AUTO_TEST_CASE(large_functions) {
  const Tensor x = random({100, 100}, 1);
  const Values f = [](const Tensors& in) { return tanh(in[0]); };
  const auto slope = [](const Tensors& in) { return 1 - pow(tanh(in[0]), 2); };
  expect(check(f, [&](auto& in, auto& g) { return Tensors{-3 * g * slope(in)}; }, {x}), "x",
         Kind::factor, "-3 × what it should be");
  expect(check(f, [&](auto&, auto& g) { return Tensors{0 * g}; }, {x}), "x", Kind::zero, "zero");
  expect(check(f, [&](auto& in, auto& g) { return Tensors{g * slope(in) + 0.5 * g}; }, {x}), "x",
         Kind::unknown, "the measured elements follow no simple rule");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
