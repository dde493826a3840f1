// The prompt, and what the program prints about an expression.

#include <boost/test/unit_test.hpp>
#include <sstream>

#include "examples/explain/session.h"
#include "tests/autograd/support.h"
#include "tests/examples/explain/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

struct Said {
  std::string out, err;
  int status;
};
Said said(const std::string& lines, bool interactive = false,
          const expression::Settings& settings = {}) {
  std::istringstream in(lines);
  std::ostringstream out, err;
  const int status = expression::converse(in, out, err, interactive, settings);
  return {out.str(), err.str(), status};
}
bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string reported(const std::string& text, const expression::Settings& settings,
                     int status = 0) {
  std::ostringstream out;
  BOOST_TEST(expression::report(out, expression::parse(text), settings) == status);
  return out.str();
}

BOOST_AUTO_TEST_SUITE(expression_session)

BOOST_AUTO_TEST_CASE(names_keep_their_values) {
  const Said s = said("x = 3\ny = x * 2\n1 + y\n");
  BOOST_TEST(has(s.out, "= 7"));
  BOOST_TEST(s.err == "");
  BOOST_TEST(s.status == 0);
}

BOOST_AUTO_TEST_CASE(what_was_defined_with_a_name_follows_its_new_value) {
  BOOST_TEST(has(said("x = 3\nh = x * 2\nx = 5\n1 + h\n").out, "= 11"));
  BOOST_TEST(has(said("x = 3\nh = x * 2\nk = h\nh = x * 4\n1 + k\n").out, "= 13"));
}

BOOST_AUTO_TEST_CASE(an_error_ends_nothing_and_changes_nothing) {
  const Said s = said("x = 3\nx = 3 +\n1 + z\nx = x + 1\n\n# comment\n2 * x\n");
  BOOST_TEST(has(s.out, "= 6"));
  BOOST_TEST(has(s.err, "explain: line 2, column 8: expected"));
  BOOST_TEST(has(s.err, "explain: line 3, column 5: the name 'z' has no value"));
  BOOST_TEST(has(s.err, "explain: line 4, column 5: 'x' cannot be defined by itself"));
  BOOST_TEST(s.status == 2);
}

BOOST_AUTO_TEST_CASE(an_error_in_a_definition_is_placed_there) {
  const Said s = said("x = [1, 2]\nh = x + 1\nx = [1, -3]\nsum(log(h))\n");
  BOOST_TEST(has(s.err, "line 4, column 5: the result has a nan"));
  BOOST_TEST(has(said("x = [1, 2]\nh = x + [1, 2]\nx = [1, 2, 3]\nh * 2\n").err,
                 "where h is defined, column 7: add: shapes [3] and [2]"));
}

BOOST_AUTO_TEST_CASE(the_prompt_is_shown_to_people_only) {
  BOOST_TEST(!has(said("x = 3\n").out, ">"));
  const Said s = said("x = 3\n1 +\n", true);
  BOOST_TEST(has(s.out, "> > > "));
  BOOST_TEST(has(s.err, "explain: column 4: expected"));
  BOOST_TEST(s.status == 0);
}

BOOST_AUTO_TEST_CASE(commands_are_obeyed) {
  BOOST_TEST(has(said("help").out, "layer_norm(x, gain, bias, epsilon=1e-5)"));
  BOOST_TEST(has(said("help sin").out, "y = sin x,  x̄ = ȳ cos x"));
  BOOST_TEST(has(said("help sine").err, "did you mean 'sin'?"));
  BOOST_TEST(said("x = 3\nnames\n").out == "x = 3\n");
  BOOST_TEST(said("quit\n1 +\n").status == 0);
  BOOST_TEST(has(said("help = 3\nhelp + 1").out, "= 4"));  // they may be names, too
}

BOOST_AUTO_TEST_CASE(help_answers_for_names_operators_and_constants) {
  const std::string two = said("help sin cos").out;
  BOOST_TEST(has(two, "sin(x): sine"));
  BOOST_TEST(has(two, "cos(x): cosine"));
  for (const std::string name : {"+", "-", "*", "/", "@", "^", "'", "<", "==", "pi", "inf", "true"})
    BOOST_TEST(said("help " + name).err == "", name);
  BOOST_TEST(has(said("help ^").out, "pow(a, b)"));
  BOOST_TEST(has(said("help pi").out, "3.14159"));
  BOOST_TEST(has(said("help tan").err, "there is no function 'tan'; write sin(x) / cos(x)"));
}

BOOST_AUTO_TEST_CASE(a_byte_order_mark_is_skipped_in_front_of_the_first_line) {
  BOOST_TEST(said("\xEF\xBB\xBFx = 2\nx + 1\n").err == "");
  BOOST_TEST(has(said("1\n\xEF\xBB\xBF"
                      "2\n")
                     .err,
                 "column 1: unexpected character \\ufeff"));
}

BOOST_AUTO_TEST_CASE(every_function_has_help) {
  for (const std::string name : {"add", "attention", "zeros", "where"})
    BOOST_TEST(has(said("help " + name).out, "For example: "), name);
}

BOOST_AUTO_TEST_CASE(endless_lines_are_cut) {
  const Said s = said(repeated("1+", 4'000'000) + "\n1+1\n");
  BOOST_TEST(has(s.err, "line 1, column 1000001: the text is too long"));
  BOOST_TEST(has(s.out, "2.0"));
}

// ---- Reports ------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_result_without_variables_is_only_shown) {
  BOOST_TEST(has(reported("1 + 1", {}), "depends on no variable"));
  BOOST_TEST(has(reported("x = [1, 5]; argmax(x)", {}), "depends on no variable"));
}

BOOST_AUTO_TEST_CASE(an_input_without_influence_is_named) {
  BOOST_TEST(has(reported("x = 1; y = 2; x * detach(y)", {}), "the gradient of y is zero"));
}

BOOST_AUTO_TEST_CASE(second_derivatives_are_shown_for_each_pair) {
  const std::string text = reported("x = 3; y = 2; x^2 * y", {.order = 2});
  BOOST_TEST(has(text, "∂²/∂x² =\n4.0"));
  BOOST_TEST(has(text, "∂²/∂x∂y =\n6.0"));
  BOOST_TEST(has(text, "∂²/∂y² =\n0.0"));
  BOOST_TEST(has(reported("x = [1, 2]; x^2", {.order = 2}), "of the sum of the result"));
}

BOOST_AUTO_TEST_CASE(a_gradient_check_says_ok_failed_or_undecidable) {
  BOOST_TEST(has(reported("x = 2; sin(x) * x", {.gradcheck = true, .order = 2}), "gradcheck: ok"));
  BOOST_TEST(has(reported("x = 2; sin(x) * detach(x)", {.gradcheck = true}, 1), "FAILED"));
  BOOST_TEST(reported("x = 2; x^2", {.gradcheck = true, .json = true}).front() == '{');
}

BOOST_AUTO_TEST_CASE(where_a_value_or_a_slope_is_infinite_a_check_is_undecidable) {
  const auto said_of = [](const std::string& text, int order = 1) {
    return reported(text, {.gradcheck = true, .order = order}, 3);
  };
  BOOST_TEST(has(said_of("x = 0; sqrt(x)"), "undecidable: the gradient of x is inf here"));
  BOOST_TEST(has(said_of("x = 0; x^0.5"), "undecidable: the gradient of x is inf here"));
  BOOST_TEST(has(said_of("x = [1, 0]; log(x)"), "undecidable: the value is -inf here"));
  BOOST_TEST(has(said_of("x = 0; where(x > 0, sqrt(x), 0)"), "the gradient of x is nan here"));
  BOOST_TEST(has(said_of("x = 0; x^1.5", 2), "a second derivative with respect to x is inf"));
  BOOST_TEST(reported("x = 0; sqrt(x)", {.gradcheck = true, .json = true}, 3)
                 .starts_with("{\"schema\":1,\"verdict\":\"undecidable\""));
}

BOOST_AUTO_TEST_CASE(a_check_of_too_many_elements_is_refused) {
  for (const auto& [count, order] : {std::pair(1001, 1), std::pair(201, 2)}) {
    const std::string text = "x = normal(" + std::to_string(count) + "); sum(x^2)";
    BOOST_CHECK_EXCEPTION(reported(text, {.gradcheck = true, .order = order}), expression::Problem,
                          [](const auto& e) { return has(e.what(), "elements are checked"); });
  }
}

BOOST_AUTO_TEST_CASE(in_f32_a_number_that_it_cannot_hold_is_refused) {
  for (const std::string text :
       {"x = 1e39; x", "x = 2; 1e39 * x", "x = 10^39; x", "x = 2; 10^39 * x"})
    BOOST_CHECK_EXCEPTION(reported(text, {.f32 = true}), expression::Problem, [](const auto& e) {
      return has(e.what(), "f32 cannot hold the number 1e+39");
    });
  BOOST_TEST(has(reported("x = 1e38; x + inf", {.f32 = true}), "inf"));
}

BOOST_AUTO_TEST_CASE(json_and_dot_draw_the_tape) {
  BOOST_TEST(has(reported("x = 2; x^2", {.json = true}), "\"operation\":\"power\""));
  BOOST_TEST(has(reported("x = 2; x^2", {.dot = true}), "digraph"));
}

BOOST_AUTO_TEST_CASE(f32_is_used_throughout) {
  BOOST_TEST(has(reported("x = [0.1, 0.2]; softmax(x * 2)", {.json = true, .f32 = true}),
                 "\"dtype\":\"f32\""));
  BOOST_TEST(!has(reported("x = [0.1, 0.2]; softmax(x * 2)", {.json = true, .f32 = true}),
                  "\"dtype\":\"f64\""));
}

BOOST_AUTO_TEST_CASE(a_nan_is_a_problem) {
  BOOST_CHECK_THROW(reported("x = -1; log(x)", {}), expression::Problem);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
