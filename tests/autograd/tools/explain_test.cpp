#include "autograd/tools/explain.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <iomanip>
#include <sstream>

#include "autograd/apply.h"
#include "autograd/ops.h"
#include "autograd/tools/tape_story.h"
#include "tests/autograd/support.h"
#include "tests/autograd/tools/explained.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

std::size_t lines_of(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

// y = x, and no gradient ever.
struct Unmoved {
  static constexpr auto name = "test_unmoved";
  static constexpr Operands reads = {};
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    std::ranges::copy(in[0].values<T>(), out[0].edit<T>().begin());
  }
  Tensors vjp(const Pullback&) const { return {Tensor()}; }
};

// tanh of w x + b, `count` times, each in a module of its own.
Tensor layers(int count, const Tensor& x) {
  Tensor y = x;
  for (int i = 0; i < count; ++i) {
    const std::string path = "net.layer." + std::to_string(i);
    const NameScope scope(path);
    const Tensor w = variable(eye(3, DType::f64), path + ".weight");
    const Tensor b = variable(zeros({3}, DType::f64), path + ".bias");
    y = tanh(matmul(y, w) + b);
  }
  return y;
}

BOOST_AUTO_TEST_SUITE(explain)

// ---- What it says -------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_function_of_two_numbers_is_told_in_full) {
  const KeepValues guard;
  const Tensor x = number(2, "x"), y = number(3, "y");
  const Tensor product = x * y;
  const Tensor sine = sin(x);
  const std::string expected = R"(Forward: what was computed, in this order

  %1 = leaf 'x'                     = 2
  %2 = leaf 'y'                     = 3
  %3 = mul(%1, %2)        y = a b   = 6
  %4 = sin(%1)            y = sin x = 0.909297
  %5 = add(%3, %4)        y = a + b = 6.9093
  %6 = power(%5, p = 2)   y = xᵖ    = 47.7384

Backward: by how much does the result %6 change with each value?

  The answer for a value is its cotangent; ȳ stands for the cotangent of an operation's result y. An
  operation takes its ȳ and sends each of its inputs a term. A value that is used more than once
  gets a term from each of its consumers, and the terms are added. So an operation may run only when
  all consumers of its result have run; the youngest one that is left always may.

  start    %6 receives ȳ = 1: the result changes one for one with itself

  step 1   %6 = power(%5, p = 2),  y = xᵖ  with x = %5 = 6.9093
    receives ȳ = 1
    sends to %5:  x̄ = ȳ p xᵖ⁻¹ = 13.8186

  step 2   %5 = add(%3, %4),  y = a + b  with a = %3 = 6, b = %4 = 0.909297
    receives ȳ = 13.8186
    sends to %3:  ā = ȳ = 13.8186
    sends to %4:  b̄ = ȳ = 13.8186

  step 3   %4 = sin(%1),  y = sin x  with x = %1 'x' = 2
    receives ȳ = 13.8186
    sends to %1 'x':  x̄ = ȳ cos x = -5.75056
      at %1:  0 + (-5.75056) = -5.75056; 1 of 2 consumers has arrived

  step 4   %3 = mul(%1, %2),  y = a b  with a = %1 'x' = 2, b = %2 'y' = 3
    receives ȳ = 13.8186
    sends to %1 'x':  ā = ȳ b = 41.4558
      at %1:  -5.75056 + 41.4558 = 35.7052; 2 of 2 consumers have arrived
    sends to %2 'y':  b̄ = ȳ a = 27.6372

The gradients of %6

  %1 'x'   35.7052 = -5.75056 + 41.4558, from %4 (sin) and %3 (mul)
           A change in %1 'x' reaches %6 through each of its 2 uses, so their terms add up.
  %2 'y'   27.6372
)";
  BOOST_TEST(explained(pow(product + sine, 2)) == expected);
}

BOOST_AUTO_TEST_CASE(the_diamond_says_why_its_leaf_gets_4) {
  const KeepValues guard;
  const Tensor a = number(1, "a");
  const Tensor b = a + a;
  const std::string text = explained(b + b);
  BOOST_TEST(says(text, "at %2:  0 + 1 = 1; 1 of 2 consumers has arrived"), text);
  BOOST_TEST(says(text, "at %2:  1 + 1 = 2; 2 of 2 consumers have arrived"), text);
  BOOST_TEST(says(text,
                  "Both consumers of %2 have arrived, so ȳ is complete and the operation may run. "
                  "Had it run after the first, it would have passed on ȳ = 1 instead of 2: that is "
                  "why the youngest goes first."),
             text);
  BOOST_TEST(says(text, "at %1:  2 + 2 = 4; 2 of 2 consumers have arrived"), text);
  BOOST_TEST(says(text, "%1 'a'   4 = 2 + 2, from %2 (add, twice)"), text);
  BOOST_TEST(says(text,
                  "A change in %1 'a' reaches %3 through each of its 2 uses, so their terms "
                  "add up."),
             text);
}

BOOST_AUTO_TEST_CASE(the_gradient_of_a_broadcast_operand_says_why_it_is_a_sum) {
  const Tensor x = wide({{1, 2, 3}, {4, 5, 6}}), b = variable(wide({1, 2, 3}), "bias");
  const std::string rows = explained(sum(x + b));
  BOOST_TEST(says(rows, "sends to %1 'bias':  b̄ = ȳ, summed over the rows = [2, 2, 2]"), rows);
  BOOST_TEST(says(rows,
                  "%1 'bias' [3] was used once for each of the 2 rows of the result [2, 3], so "
                  "its gradient is the sum over the rows."),
             rows);
  const std::string one = explained(sum(x * number(2, "factor")));
  BOOST_TEST(says(one,
                  "%1 'factor' [] was used once for each of the 6 elements of the result "
                  "[2, 3], so its gradient is the sum over all elements."),
             one);
  const std::string column = explained(sum(x * variable(wide({{2}, {3}}), "c")));
  BOOST_TEST(says(column,
                  "was used once for each of the 3 positions along axis 1 of the result "
                  "[2, 3], so its gradient is the sum over axis 1."),
             column);
  const std::string fused = explained(sum(linear(x, variable(eye(3, DType::f64), "w"), b)));
  BOOST_TEST(says(fused, "was used once for each of the 2 rows"), fused);
  BOOST_TEST(!says(explained(sum(b + wide({1, 2, 3}))), "was used once"));
}

BOOST_AUTO_TEST_CASE(what_a_formula_names_is_said_beside_it) {
  const Tensor x = number(2, "x"), y = number(3, "y");
  const std::string text = explained(x * y * 0.5);
  BOOST_TEST(says(text, "%3 = mul(%1, %2),  y = a b  with a = %1 'x' = 2, b = %2 'y' = 3"), text);
  BOOST_TEST(says(text, "%4 = affine(%3, scale = 0.5)"), text);
  const std::string constant = explained(sum(variable(wide({1, 2}), "v") * wide({3, 4})));
  BOOST_TEST(says(constant, "with a = %1 'v' [2], b = constant [2] = [3, 4]"), constant);
  const Tensor many = variable(full({13}, 2, DType::f64), "v");
  BOOST_TEST(says(explained(sum(many * ones({13}, DType::f64))), "b = constant [13] receives"));
  const Tensor some = full({12}, 1234.5678, DType::f64);
  const std::string twelve = explained(sum(some * variable(ones({12}, DType::f64), "v")));
  BOOST_TEST(says(twelve, "a = constant [12] = [1235, 1235,"), twelve);
}

BOOST_AUTO_TEST_CASE(an_operation_is_told_with_its_options) {
  const Tensor x = variable(ones({1, 2, 4}, DType::f64), "x");
  auto pattern = AttentionPattern::whole(1, 2, 2);
  pattern.causal = true;
  const auto shared = std::make_shared<const AttentionPattern>(pattern);
  const std::string causal = explained(attention(x, x, x, shared, {.heads = 2}));
  BOOST_TEST(says(causal, "attention(%1, %1, %1, heads = 2, causal) "), causal);
  const std::string plain = explained(
      attention(x, x, x, std::make_shared<const AttentionPattern>(AttentionPattern::whole(1, 2, 2)),
                {.dropout = 0.25}));
  BOOST_TEST(says(plain, "attention(%1, %1, %1, heads = 1, dropout = 0.25) "), plain);
  BOOST_TEST(says(explained(cast(x, DType::f32)), "cast(%1, dtype = f32) "));
  BOOST_TEST(says(explained(dropout(x, 0.5, Key(1))), "dropout(%1, p = 0.5) "));
  BOOST_TEST(says(explained(rotary(x, ints({0, 1}), 2)),
                  "rotary(%1, heads = 2, base = 10000, direction = 1) "));
}

BOOST_AUTO_TEST_CASE(the_forward_pass_shows_formulas_as_far_as_they_fit) {
  const KeepValues guard;
  const Tensor x = number(2, "x");
  BOOST_TEST(says(explained(sigmoid(x)), "%2 = sigmoid(%1) y = 1 / (1 + e⁻ˣ) = 0.880797"));
  BOOST_TEST(says(explained(2 * x + 1), "%3 = affine(%2, shift = 1) y = scale x + shift = 5"));
  const Tensor v = variable(full({8}, -123.456, DType::f64), "v");
  BOOST_TEST(says(explained(sum(v)), "%2 = sum(%1, axes = [0]) = -987.648"), explained(sum(v)));
  BOOST_TEST(says(explained(sum(variable(wide({1, 2}), "v"))),
                  "%2 = sum(%1, axes = [0]) y = Σ x over the given axes = 3"));
}

BOOST_AUTO_TEST_CASE(long_terms_stand_below_one_another) {
  const Tensor v = variable(full({8}, 1.23456, DType::f64), "v");
  const std::string text = explained(sum(v * v));
  BOOST_TEST(says(text, "before 0 + term [1.235, 1.235,"), text);
}

BOOST_AUTO_TEST_CASE(a_scale_or_a_shift_that_changes_nothing_is_not_told) {
  const Tensor x = number(3, "x");
  BOOST_TEST(says(explained(2 * x), "%2 = affine(%1, scale = 2) "));
  BOOST_TEST(says(explained(x - 2), "%2 = affine(%1, shift = -2) "));
  BOOST_TEST(says(explained(x + 0), "%2 = affine(%1, scale = 1) "));
  BOOST_TEST(says(explained(affine(x, 2, 1)), "%2 = affine(%1, scale = 2, shift = 1) "));
}

BOOST_AUTO_TEST_CASE(outputs_of_one_node_are_told_apart) {
  const Tensor x = variable(wide({1, 2, 3}), "x");
  const Tensors parts = split(x, 0, {1, 2});
  const std::string text = explained(sum(parts[1] * parts[1]));
  BOOST_TEST(says(text, "receives nothing: ȳ of %2.0 is zero"), text);
  BOOST_TEST(says(text, "receives ȳ of %2.1 = [4, 6]"), text);
  BOOST_TEST(says(text, "Both consumers of %2.1 have arrived"), text);
}

BOOST_AUTO_TEST_CASE(a_result_of_several_elements_says_where_its_cotangent_comes_from) {
  const Tensor x = variable(wide({1, 2}), "x");
  const std::string ones = explained(x * x), given = explained(x * x, {.cotangent = wide({1, 5})});
  BOOST_TEST(says(ones,
                  "start %2 receives ȳ = [1, 1] The result has 2 elements and no cotangent was "
                  "given, so ones are taken: the gradients are those of the sum of its "
                  "elements."),
             ones);
  BOOST_TEST(says(given, "start %2 receives ȳ = [1, 5] This cotangent was given."), given);
}

BOOST_AUTO_TEST_CASE(values_that_are_not_kept_are_not_guessed) {
  const Tensor a = number(1, "a");
  const std::string without = explained(a + a);
  BOOST_TEST(says(without, "%1 = leaf 'a' (values not kept)"), without);
  BOOST_TEST(says(without, "(values not kept: record it under a KeepValues guard)"), without);
  BOOST_TEST(says(without, "with a = %1 'a', b = %1 'a'"), without);
  const KeepValues guard;
  const std::string with = explained(a + a);
  BOOST_TEST(with.find("not kept") == std::string::npos, with);
  Tensor edited = number(1, "e");
  const Tensor y = edited + edited;
  edited.edit<double>()[0] = 7;
  BOOST_TEST(says(explained(y), "%1 = leaf 'e' (edited since it was recorded)"));
}

BOOST_AUTO_TEST_CASE(a_consumer_that_sends_nothing_counts_as_zero) {
  const Tensor x = number(2, "x");
  const Tensor square = x * x;
  const std::string direct = explained(apply(Unmoved{}, square) + square);
  BOOST_TEST(says(direct, "sends nothing to %2: its term is zero"), direct);
  BOOST_TEST(says(direct, "at %2: 0 + 1 = 1; 1 of 2 consumers has arrived"), direct);
  BOOST_TEST(says(direct,
                  "1 consumer of %2 sent nothing, which means zero. Everything younger has "
                  "run, so ȳ is complete."),
             direct);
  // exp is never reached.
  const std::string behind = explained(apply(Unmoved{}, exp(square)) + square);
  BOOST_TEST(says(behind, "1 consumer of %2 sent nothing"), behind);
  BOOST_TEST(says(explained(apply(Unmoved{}, x)), "%1 'x' 0: nothing arrived"));
}

BOOST_AUTO_TEST_CASE(an_operation_without_a_rule_is_told_without_formulas) {
  const std::string text = explained(2 * apply(Unmoved{}, number(2, "x")));
  BOOST_TEST(says(text, "%2 = test_unmoved(%1) (values not kept)"), text);
  BOOST_TEST(says(text, "%2 = test_unmoved(%1) receives ȳ = 2 sends nothing to %1 'x'"), text);
}

BOOST_AUTO_TEST_CASE(an_operation_with_many_inputs_is_shortened) {
  Tensors xs;
  for (int i = 0; i < 1000; ++i) xs.push_back(number(i, ""));
  const std::string text = explained(concat({reshape(xs[0], {1}), stack(xs)}, 0));
  BOOST_TEST(says(text, "… 994 more"), text);
}

BOOST_AUTO_TEST_CASE(nan_infinity_and_empty_tensors_are_printed) {
  const std::string text = explained(sum(sqrt(variable(wide({0, -1, 4}), "x"))));
  BOOST_TEST(says(text, "%1 'x' [inf, nan, 0.25]"), text);
  const Tensor none = variable(zeros({0, 3}, DType::f64), "none");
  BOOST_TEST(says(explained(sum(none * none)), "%1 'none' no elements, [0, 3]"));
}

BOOST_AUTO_TEST_CASE(names_cannot_control_the_terminal) {
  const std::string text = explained(sin(number(1, "x\x1b[31m\n" + std::string(200, 'y'))));
  BOOST_TEST(text.find('\x1b') == std::string::npos);
  BOOST_TEST(says(text, "leaf 'x\\u001b[31m\\nyyy"), text);
}

BOOST_AUTO_TEST_CASE(a_matrix_is_printed_in_rows) {
  const KeepValues guard;
  const Tensor x =
      variable(wide({{0.001234, 2.125, 3}, {-4.5, 5, 6.0625}, {7, 8.25, 9}, {1, 1, 1}}));
  const std::string text = explained(sum(x));
  BOOST_TEST(text.find("= [[0.001234, 2.125,     3],\n"
                       "                                                               [    -4.5,  "
                       "   5, 6.062],\n") != std::string::npos,
             text);
}

// ---- What it shortens ---------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_large_tensor_is_told_by_its_norm) {
  const Tensor x = variable(full({8, 2}, 3, DType::f64), "x");
  const std::string text = explained(sum(x * x));
  BOOST_TEST(says(text, "%1 'x' [8, 2] of norm 24: 6, 6, 6, …"), text);
  const std::string whole = explained(sum(x * x), {.elements = 16});
  BOOST_TEST(whole.find("of norm") == std::string::npos, whole);
}

BOOST_AUTO_TEST_CASE(a_long_tape_of_modules_has_a_line_for_each) {
  const Tensor x = variable(wide({{1, 2, 3}}), "x");
  const Tensor y = sum(layers(25, x));
  const std::string text = explained(y);
  BOOST_TEST(lines_of(text) < 80u, text);
  BOOST_TEST(says(text, "76 operations on 51 leaves"), text);
  BOOST_TEST(says(text, "net.layer.7 3: add, matmul, … 2 12 "), text);
  BOOST_TEST(says(text, "most in"), text);
  BOOST_TEST(explained(y, {.whole = true}).find("step 76") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_norms_of_the_modules_are_those_of_their_gradients) {
  const Tensor x = variable(wide({{1, 2, 3}}), "x");
  const Tensor y = sum(layers(25, x));
  const TapeStory story = tape_story(y);
  double squares = 0;
  for (const TapeStory::Node& node : story.nodes)
    if (node.label.starts_with("net.layer.3."))
      for (const double value : numbers(node.outputs[0].cotangent)) squares += value * value;
  std::ostringstream norm;
  norm << std::setprecision(4) << std::sqrt(squares);
  BOOST_TEST(says(explained(y), norm.str() + ", most in "));
}

BOOST_AUTO_TEST_CASE(many_modules_are_folded_further) {
  const std::string text = explained(sum(layers(100, variable(wide({{1, 2, 3}}), "x"))));
  BOOST_TEST(lines_of(text) < 20u, text);
  BOOST_TEST(says(text, "net.layer 300: add ×100, matmul ×100, …"), text);
}

BOOST_AUTO_TEST_CASE(a_long_tape_without_modules_is_told_from_both_ends) {
  Tensor y = number(1, "x");
  for (int i = 0; i < 20'000; ++i) y = y * 1.0001;
  const std::string text = explained(y);
  BOOST_TEST(lines_of(text) < 150u, text);
  BOOST_TEST(says(text, "… 19,985 more lines …"), text);
  BOOST_TEST(says(text, "… 19,984 more steps …"), text);
  BOOST_TEST(says(text, "step 20000 %2 = affine(%1"), text);
}

BOOST_AUTO_TEST_CASE(no_line_is_longer_than_a_hundred_columns) {
  const KeepValues guard;
  const Tensor x = variable(normal({4, 3}, 0, 1, Key(1), DType::f64), "x");
  const Tensor w = variable(normal({3, 3}, 0, 1, Key(2), DType::f64), "weight");
  const Tensor b = variable(normal({3}, 0, 1, Key(3), DType::f64), "bias");
  const Tensor h = tanh(linear(x, w, b));
  const Tensor y =
      mean(cross_entropy(linear(h, w, b) + h + matmul(h, w, Transposed::b), ints({0, 1, 2, 1})));
  std::istringstream lines(explained(y));
  for (std::string line; std::getline(lines, line);) {
    std::size_t width = 0;
    for (const char c : line) width += (static_cast<unsigned char>(c) & 0xC0u) != 0x80u;
    BOOST_TEST(width <= 104u, line);  // combining bars count here, and take no column
  }
}

// ---- Errors -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(what_has_no_tape_is_an_error_and_nothing_is_printed) {
  std::ostringstream text;
  BOOST_CHECK_THROW(adjoint::explain(text, Tensor()), Error);
  BOOST_CHECK_THROW(adjoint::explain(text, wide({1, 2})), Error);
  BOOST_TEST(text.str().empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
