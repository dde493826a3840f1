// What texts mean, and where a text that means nothing is wrong.

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

#include "autograd/grad.h"
#include "autograd/ops.h"
#include "tests/autograd/support.h"
#include "tests/examples/explain/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

double number(const std::string& text) { return value_of(text).item(); }

struct Wrong {
  std::string text;
  std::string says;  // the beginning of the message
};

void check_all(const std::vector<Wrong>& table) {
  for (const Wrong& wrong : table) {
    const std::string said = problem_of(wrong.text);
    BOOST_TEST(said.starts_with(wrong.says),
               wrong.text.substr(0, 60) << "\n  says " << said << "\n  not  " << wrong.says);
  }
}

BOOST_AUTO_TEST_SUITE(expression_language)

// ---- What texts mean ----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(numbers_have_the_usual_forms) {
  BOOST_TEST(number("1") == 1);
  BOOST_TEST(number(".5") == 0.5);
  BOOST_TEST(number("2.") == 2);
  BOOST_TEST(number("1e-3") == 1e-3);
  BOOST_TEST(number("2.5E+2") == 250);
  BOOST_TEST(number("pi") == std::numbers::pi);
  BOOST_TEST(number("π") == std::numbers::pi);
  BOOST_TEST(std::isinf(number("inf")));
  BOOST_TEST(std::isnan(number("nan")));
  BOOST_TEST((value_of("true").dtype() == DType::b8));
}

BOOST_AUTO_TEST_CASE(operators_bind_as_in_mathematics) {
  BOOST_TEST(number("2 + 3 * 4") == 14);
  BOOST_TEST(number("(2 + 3) * 4") == 20);
  BOOST_TEST(number("2 - 3 - 4") == -5);
  BOOST_TEST(number("24 / 4 / 3") == 2);
  BOOST_TEST(number("24 / 4 * 3") == 18);
  BOOST_TEST(number("2 ^ 3 ^ 2") == 512);
  BOOST_TEST(number("-2 ^ 2") == -4);
  BOOST_TEST(number("(-2) ^ 2") == 4);
  BOOST_TEST(number("2 ^ -2") == 0.25);
  BOOST_TEST(number("-2 ^ -2") == -0.25);
  BOOST_TEST(number("2 * -3") == -6);
  BOOST_TEST(number("2 - -3") == 5);
  BOOST_TEST(number("--2") == 2);
  BOOST_TEST(number("+2") == 2);
  BOOST_TEST(number("2 + +3") == 5);
  BOOST_TEST(number("-+2 ^ 2") == -4);
  BOOST_TEST(number("x = 3; -x^2") == -9);
  BOOST_TEST(number("1 + 2 < 4 * 1") == 1);
  BOOST_TEST(number("2 < 1") == 0);
  BOOST_TEST(number("2 >= 2") == 1);
  BOOST_TEST(number("1 <= 0.5") == 0);
  BOOST_TEST(number("3 == 3") == 1);
  BOOST_TEST(number("3 != 3") == 0);
}

BOOST_AUTO_TEST_CASE(a_comparison_with_nan_is_false_except_for_unequal) {
  for (const std::string text : {"<", ">", "<=", ">=", "=="})
    BOOST_TEST(number("nan " + text + " 1") == 0, text);
  BOOST_TEST(number("nan != 1") == 1);
}

BOOST_AUTO_TEST_CASE(a_matrix_product_binds_like_a_product_and_a_quote_transposes) {
  const std::string given = "q = [[1, 2], [3, 4]]; k = [[5, 6], [7, 8]]; ";
  const Tensor q = wide({{1, 2}, {3, 4}}), k = wide({{5, 6}, {7, 8}});
  BOOST_TEST(same_bits(value_of(given + "q @ k'"), matmul(q, transpose(k))));
  BOOST_TEST(
      same_bits(value_of(given + "q @ k' / sqrt(2)"), matmul(q, transpose(k)) / std::sqrt(2.0)));
  BOOST_TEST(same_bits(value_of(given + "q' @ k''"), matmul(transpose(q), k)));
  BOOST_TEST(same_bits(value_of(given + "(q + k)'"), transpose(q + k)));
}

BOOST_AUTO_TEST_CASE(lists_are_tensors) {
  BOOST_TEST(same_bits(value_of("[1, 2]"), wide({1, 2})));
  BOOST_TEST(same_bits(value_of("[[1, -2], [3e1, .5]]"), wide({{1, -2}, {30, 0.5}})));
  BOOST_TEST((value_of("[]").shape() == Shape{0}));
  BOOST_TEST((value_of("[[], []]").shape() == Shape{2, 0}));
  BOOST_TEST(same_bits(value_of("[pi/2, 1 + 1]"), wide({std::numbers::pi / 2, 2})));
  BOOST_TEST(same_bits(value_of("[true, false]"), bools({1, 0})));
  BOOST_TEST(value_of(repeated("[", 8) + "1" + repeated("]", 8)).rank() == 8);
}

BOOST_AUTO_TEST_CASE(a_list_of_names_is_differentiable) {
  const auto e = evaluated("x = 3; y = 5; sum([x, x * y] * [10, 1])");
  const Tensors g = grad(e.result, e.variables);
  BOOST_TEST(g[0].item() == 10 + 5);
  BOOST_TEST(g[1].item() == 3);
}

BOOST_AUTO_TEST_CASE(names_may_have_any_letters) {
  BOOST_TEST(number("θ = 2; x₁ = 3; été_2 = 5; θ * x₁ * été_2") == 30);
}

BOOST_AUTO_TEST_CASE(symbols_from_slides_mean_the_same) {
  BOOST_TEST(number("7 − 2 · 3 × 1") == 1);
  BOOST_TEST(number("7 – 6 ÷ 2 ⋅ 3 ∗ 1") == -2);
  BOOST_TEST(number("(1 ≤ 1) + (2 ≥ 1) + (1 ≠ 2)") == 3);
  BOOST_TEST((value_of("[[1, 2]]′").shape() == Shape{2, 1}));
}

BOOST_AUTO_TEST_CASE(white_space_and_comments_do_not_matter) {
  BOOST_TEST(number(" 1+\t2 # three\n * 2 ; # the end") == 5);
}

BOOST_AUTO_TEST_CASE(the_last_statement_is_the_result) {
  BOOST_TEST(number("h = 2; g = h + 1; g * h") == 6);
  BOOST_TEST(number("h = 2; g = h + 1") == 3);
  BOOST_TEST(number("h = 2; h * 5 + 1;") == 11);
}

BOOST_AUTO_TEST_CASE(a_name_whose_value_depends_on_no_other_is_an_input) {
  const auto e = evaluated("x = 2; y = [1, 2]; h = x * y; sum(h * h)");
  BOOST_TEST((e.names == std::vector<std::string>{"x", "y"}));
  const Tensors g = grad(e.result, e.variables);
  BOOST_TEST(g[0].item() == 2 * 2 * 5);
  BOOST_TEST(same_bits(g[1], wide({8, 16})));
}

BOOST_AUTO_TEST_CASE(an_input_that_only_counts_or_selects_is_a_constant) {
  for (const std::string text :
       {"i = [1, 0]; x = [1, 2]; sum(gather(x, i))", "i = 0; x = [1, 2]; sum(x, axis=i)",
        "i = [1, 0]; x = [1, 2]; sum(where(i, x, 0))", "i = [2]; x = 1; sum(broadcast_to(x, i))"})
    BOOST_TEST((evaluated(text).names == std::vector<std::string>{"x"}), text);
}

BOOST_AUTO_TEST_CASE(truth_values_and_whole_numbers_take_part_in_arithmetic) {
  BOOST_TEST(same_bits(value_of("x = [-1, 2]; (x > 0) * x"), wide({-0.0, 2})));
  BOOST_TEST(number("x = [1, 5]; argmax(x) + 0.5") == 1.5);
}

BOOST_AUTO_TEST_CASE(in_f32_inputs_and_results_are_f32) {
  const auto e = evaluated("x = [0.1, 0.2]; c = 3; maximum(x, 0.15) * sqrt(2) + c", DType::f32);
  BOOST_TEST((e.result.dtype() == DType::f32));
  BOOST_TEST((e.variables[0].dtype() == DType::f32));
}

BOOST_AUTO_TEST_CASE(constants_take_the_type_of_what_they_meet) {
  BOOST_TEST((value_of("x = [1, 2]; maximum(cast(x, f32), [0, 3])").dtype() == DType::f32));
}

// ---- Texts that are wrong -----------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_text_outside_of_the_language_is_refused_at_its_column) {
  check_all({
      {"", "column 1: expected a number, a name, a list or a bracket, not the end"},
      {"   ", "column 4: expected"},
      {"2 +", "column 4: expected"},
      {"2 x", "column 3: unexpected 'x'; a product is written with *"},
      {"2(3)", "column 2: unexpected '('; a product is written with *"},
      {"x[0]", "column 2: unexpected '['; slice() and gather()"},
      {"(1 + 2", "column 1: this bracket is never closed: ')' is missing"},
      {"1 + 2)", "column 6: unexpected ')', which closes nothing"},
      {"[1, 2", "column 1: this list is never closed"},
      {"sum(1", "column 4: this bracket is never closed"},
      {"1 +* 2", "column 4: expected a number"},
      {"2 ** 3", "column 3: write x^2 for a power"},
      {"x²", "column 2: write x^2 for a power"},
      {"1 < 2 < 3", "column 7: comparisons cannot be chained"},
      {"x = 1; x + = 2", "column 12: expected"},
      {"1 = 2", "column 3: unexpected '='; equality is =="},
      {"pi = 3", "column 1: 'pi' is a constant"},
      {"1;;2", "column 3: expected"},
      {";", "column 1: expected"},
      {"1 ! 2", "column 3: unexpected character !"},
      {"1 & 2", "column 3: unexpected character &"},
      {"é & 2", "column 3: unexpected character &"},
      {"1 \x01 2", "column 3: unexpected character \\u0001"},
      {"1 + \"a\"", "column 5: unexpected character \""},
      {"1.2.3", "column 1: this is not a number: 1.2.3"},
      {"1 + 0x10", "column 5: this is not a number: 0x10"},
      {"1e", "column 1: this is not a number: 1e"},
      {"1e+", "column 1: this is not a number: 1e"},
      {"0xff", "column 1: this is not a number: 0xff"},
      {"2E", "column 1: this is not a number: 2E"},
      {"1_000", "column 1: this is not a number: 1_000"},
      {"2e1x", "column 4: unexpected 'x'; a product is written with *"},
      {"1e999", "column 1: f64 cannot hold the number 1e999"},
      {"1 + 1e-999", "column 5: f64 cannot hold the number 1e-999"},
      {"1 \u200b 2", "column 3: unexpected character \\u200b"},
      {"sin x", "column 5: unexpected 'x'; sin is a function: write sin(…)"},
      {"1 + exp 2", "column 9: unexpected 2; exp is a function: write exp(…)"},
      {"sin^2(x)", "column 6: unexpected '('; sin is a function: write sin(…)"},
      {"sin^-1 x", "column 8: unexpected 'x'; sin is a function: write sin(…)"},
      {"sqrt[x]", "column 5: unexpected '['; sqrt is a function: write sqrt(…)"},
      {"[1 2]", "column 4: unexpected 2; items are separated by ','"},
      {"maximum(x y)", "column 11: unexpected 'y'; items are separated by ','"},
      {"1,5", "column 2: unexpected ','; a list is written [1, 5], and a decimal number 1.5"},
      {"(1, 2)", "column 3: unexpected ','; a list is written [1, 5]"},
      {"[1; 2]", "column 3: unexpected ';'; items are separated by ','"},
      {"{1, 2}", "column 1: unexpected character {; a list is written [1, 2]"},
      {"|x|", "column 1: unexpected character |; write abs(x)"},
      {"√2", "column 1: unexpected character √; write sqrt(x)"},
      {"5 % 2", "column 3: unexpected character %; there is no remainder"},
      {"x.T", "column 2: unexpected character .; write x' for x.T"},
      {"5 // 2", "column 3: a quotient is written a / b, and a comment begins with #"},
      {"gelu(1, \"tanh\")", "column 9: unexpected character \"; words are written without quotes"},
      {"ab\xff", "column 3: this is not UTF-8"},
      {"é\xc3", "column 2: this is not UTF-8"},
  });
}

BOOST_AUTO_TEST_CASE(a_call_that_does_not_fit_is_refused_at_its_column) {
  check_all({
      {"1 + sine(2)", "column 5: there is no function 'sine'; did you mean 'sin'?"},
      {"sofmax([1])", "column 1: there is no function 'sofmax'; did you mean 'softmax'?"},
      {"ln(2)", "column 1: there is no function 'ln'; write log(x)"},
      {"tan(2)", "column 1: there is no function 'tan'; write sin(x) / cos(x)"},
      {"log10(2)", "column 1: there is no function 'log10'; write log(x) / log(10)"},
      {"dot(1, 2)", "column 1: there is no function 'dot'; write sum(a * b)"},
      {"square(2)", "column 1: there is no function 'square'; write x^2"},
      {"min(1, 2)", "column 1: there is no function 'min'; write -max(-x), or minimum(a, b)"},
      {"arctan(2)", "column 1: there is no function 'arctan'; help lists all"},
      {"asin(2)", "column 1: there is no function 'asin'; help lists all"},
      {"sort(2)", "column 1: there is no function 'sort'; help lists all"},
      {"max([1], 0)",
       "column 10: max: 'axes' is given by name: write max(x, axis=0); of two tensors,"},
      {"sum(1, 0)",
       "column 8: sum: 'axes' is given by name: write sum(x, axis=0); of two tensors, a + b"},
      {"logsumexp(1, 2)", "column 14: logsumexp: 'axes' is given by name"},
      {"variance(1, 2)", "column 13: variance: 'axes' is given by name: write variance(x, axis=0)"},
      {"norm([1], 2)",
       "column 11: norm: 'axes' is given by name: write norm(x, axis=0); it is always"},
      {"attention([[1]], [[1]], [[1]], mask=1)",
       "column 32: attention has no parameter 'mask'; did you mean 'allowed'?"},
      {"attention([[1]], [[1]], [[1]], allowed=[1, 1])",
       "column 40: attention: allowed must broadcast to […, queries, keys] = [1, 1], not be of"},
      {"zeros([1000001])",
       "column 7: zeros: shape: these are 1000001 elements; at most 1000000 are"},
      {"eye(100000)", "column 5: eye: size: these are 10000000000 elements; at most 1000000 are"},
      {"zeros([2000, 1]) @ zeros([1, 2000])",
       "column 18: matmul: this needs a tensor that is too large: at most 1000000 elements"},
      {"cumsum([1], axis=1)", "column 18: cumsum: no axis 1 in a tensor of shape [1]"},
      {"argmax([1], 2)", "column 13: argmax: no axis 2 in a tensor of shape [1]"},
      {"slice([1], 1, 0, 1)", "column 12: slice: no axis 1 in a tensor of shape [1]"},
      {"gather([1], [0], axis=-2)", "column 23: gather: no axis -2 in a tensor of shape [1]"},
      {"concat([1], [2], axis=1)", "column 23: concat: no axis 1 in a tensor of shape [1]"},
      {"split([1], [1], 0, 1)", "column 20: split: no axis 1 in a tensor of shape [1]"},
      {"transpose([[1]], 2)", "column 18: transpose: no axis 2 in a tensor of shape [1, 1]"},
      {"qqqqqqqq(2)", "column 1: there is no function 'qqqqqqqq'; help lists all"},
      {"sin()", "column 1: 'x' is missing: sin(x)"},
      {"sin(1, 2)", "column 8: too many arguments: sin(x)"},
      {"sum([1], axs=0)", "column 10: sum has no parameter 'axs': sum(x, axes=all, keep=0)"},
      {"sum([1], axis=0, axes=0)", "column 18: 'axes' is given twice"},
      {"sum(x=[1], 0)", "column 12: an argument without a name cannot follow"},
      {"sum([1], axis=0.5)", "column 15: sum: axes must be whole numbers"},
      {"sum([1], keep=2)", "column 15: sum: keep must be 0 or 1"},
      {"sum([1], axis=1e300)", "column 15: sum: axes must be whole numbers up to 2^53"},
      {"sum([1], axis=1)", "column 15: sum: no axis 1 in a tensor of shape [1]"},
      {"gelu(1, form=relu)", "column 14: gelu: form must be the word exact or tanh"},
      {"gather([1], 0.5)", "column 13: gather: indices must be whole numbers, not 0.5"},
      {"gather([1], nan)", "column 13: gather: indices must be whole numbers, not nan"},
      {"gather([1], 7)", "column 1: gather: index 7"},
      {"where([2], 1, 2)", "column 7: where: condition must be true or false"},
      {"clamp(1, [1, 2], 3)", "column 10: clamp: low must be a single number"},
      {"clamp(1, 3, 2)", "column 1: clamp: needs low ≤ high"},
      {"concat()", "column 1: 'xs' is missing"},
      {"split([1, 2], [1, 1], 2)", "column 23: split: there is no part 2 of 2"},
      {"reshape([1, 2], [-1, -1])", "column 17: reshape: shape"},
      {"zeros([-1])", "column 7: zeros: shape: an axis cannot have size -1"},
      {"attention([1], [1], [1])", "column 1: attention: needs query and key"},
      {"attention([[1]], [[1]], [[1]], lengths=[1, 1])", "column 40: attention: needs one length"},
      {"attention([[1]], [[1]], [[1]], lengths=[2])", "column 40: attention: a length is from 0"},
      {"attention([[1]], [[1]], [[1]], heads=0)", "column 1: attention"},
  });
}

BOOST_AUTO_TEST_CASE(what_the_library_refuses_is_refused_at_the_operator) {
  check_all({
      {"[1, 2] + [1, 2, 3]", "column 8: add: shapes [2] and [3] do not broadcast"},
      {"[[1, 2]] @ [[1, 2]]", "column 10: matmul: inner sizes differ"},
      {"[[1, 2]] @ [1, 2, 3]", "column 10: matmul: inner sizes differ: a is [1, 2], b is [3]"},
      {"[1, 2, 3] @ [[1, 2]]", "column 11: matmul: inner sizes differ: a is [3], b is [1, 2]"},
      {"[1, 2, 3] @ [1, 2]", "column 11: matmul: inner sizes differ: a is [3], b is [2]"},
      {"1 @ 2", "column 3: matmul: a scalar cannot be a factor"},
      {"[1]'", "column 4: transpose: x must have at least two axes"},
      {"[[1, 2], [3]]", "column 10: the items of a list must have the same shape"},
      {"[[1, 2], 3]", "column 10: the items of a list must have the same shape"},
      {repeated("[", 9) + "1" + repeated("]", 9), "column 1: shape: at most 8 axes"},
  });
}

BOOST_AUTO_TEST_CASE(names_without_value_and_values_without_use_are_refused) {
  check_all({
      {"1 + z", "column 5: the name 'z' has no value: give it one, as in z=2"},
      {"h = 1; g + h", "column 8: the name 'g' has no value"},
      {"h = h", "column 5: 'h' cannot be defined by itself"},
      {"y = x; x = 2; x + y", "column 5: 'x' gets its value only after this: give it before"},
      {"e^2", "column 1: the name 'e' has no value: for e^x, write exp(x)"},
      {"2 * Pi", "column 5: the name 'Pi' has no value: write pi"},
      {"1 + sin", "column 5: sin is a function: write sin(…)"},
      {"h = 1; 2", "column 1: 'h' is not used"},
      {"h = 1; h = h + 1; h", "column 8: the name 'h' already has a value"},
      {"1; 2", "column 1: the value of this statement is not used"},
  });
}

BOOST_AUTO_TEST_CASE(a_nan_is_traced_to_where_it_begins) {
  check_all({
      {"x = -1; 1 + 2 * log(x)", "column 17: the result has a nan: this log gives one"},
      {"x = [1, -1]; sum(sqrt(x))",
       "column 18: the result has a nan: this sqrt gives one, as its element [1]"},
      {"0 / 0", "column 3: the result has a nan: this div gives one"},
      {"x = nan; h = x + 1; h * h", "column 5: the result is nan, because of this one"},
      {"inf - inf", "column 5: the result has a nan: this sub gives one"},
  });
  BOOST_TEST(problem_of("x = [1, nan]; masked_softmax(x, [1, 0])") == "fine");
  BOOST_TEST(problem_of("x = 0; 1 / x") == "fine");  // infinite
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
