// What the page of an expression holds because the expression can be run again.
#include "examples/explain/page_data.h"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "autograd/ops.h"
#include "autograd/support/ambient.h"
#include "autograd/tools/tape_story.h"
#include "examples/explain/parser.h"

namespace {

using namespace adjoint;
using namespace adjoint::expression;

ExplorerOptions data_of(const std::string& text, DType dtype = DType::f64) {
  const Program program = parse(text);
  const EvaluationOptions options{.dtype = dtype};
  const KeepValues keep;
  const Evaluation evaluation = evaluate(program, options);
  return page_data(program, options, evaluation, tape_story(evaluation.result), "title");
}
std::string findings_of(const std::string& text, Mistake mistake) {
  std::string result;
  for (const WhatIf& what_if : data_of(text).what_ifs)
    if (what_if.mistake == mistake)
      for (const std::string& finding : what_if.findings) result += finding + '\n';
  return result;
}
bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

BOOST_AUTO_TEST_SUITE(page_data_of_expressions)

BOOST_AUTO_TEST_CASE(checks_name_each_mistake_in_their_own_words) {
  const std::string diamond = "a = 1; b = a + a; b + b";
  BOOST_TEST(contains(findings_of(diamond, Mistake::depth_first), "a: 0.5 × what it should be"));
  BOOST_TEST(contains(findings_of(diamond, Mistake::assignment), "a: 0.25 × what it should be"));
  BOOST_TEST(contains(findings_of(diamond, Mistake::second_backward), "a: 2 × what it should be"));
  const std::string bias =
      findings_of("x = [[1, 2], [3, 5]]; b = [0.1, 0.2]; sum((x + b)^2)", Mistake::kept_broadcast);
  BOOST_TEST(contains(bias, "gradient of input 1 is f64 [2, 2], the input f64 [2]"));
  BOOST_TEST(contains(bias, "the first wrong operation is add"));
  BOOST_TEST(contains(bias, "is a broadcast not undone"));
  const std::string tiled = findings_of(
      "q = normal([2, 2, 4], seed=1); k = normal([2, 3, 4], seed=2); v = normal([2, 3, 4], "
      "seed=3); "
      "sum(attention(q, k, v, heads=2, lengths=[1, 3])^2)",
      Mistake::tiled_lengths);
  BOOST_TEST(contains(tiled, "batch independence: violated"));
  BOOST_TEST(contains(tiled, "valid lengths that follow the heads by tile"));
  BOOST_TEST(contains(tiled, "is it another mask than that of f?"));
}

BOOST_AUTO_TEST_CASE(the_numeric_derivative_stands_beside_each_gradient) {
  const NumericDerivatives numeric =
      data_of("x = [0.7, -1.2]; y = 0.4; sum(exp(sin(x)) * y)").numeric;
  BOOST_TEST_REQUIRE(numeric.leaves.size() == 2);
  BOOST_TEST(numeric.leaves[0].label == "x");
  BOOST_TEST(numeric.note == "");
  BOOST_TEST(numeric.steps.front() == 0.1);
  BOOST_TEST(std::abs(numeric.steps.back() / 1e-12 - 1) < 1e-9);
  for (std::size_t i = 0; i < 2; ++i) {
    const NumericElement& element = numeric.leaves[0].elements[i];
    const double x = i == 0 ? 0.7 : -1.2, right = std::exp(std::sin(x)) * std::cos(x) * 0.4;
    BOOST_TEST(std::abs(element.gradient - right) < 1e-14);
    BOOST_TEST(element.accepted);
    BOOST_TEST(std::abs(element.numeric - element.gradient) <= element.bound);
    BOOST_TEST(element.bound < 1e-8);
    // Truncation falls, rounding rises.
    const auto error = [&](std::size_t k) { return std::abs(element.quotients[k] - right); };
    BOOST_TEST(error(0) > 100 * error(9));
    BOOST_TEST(error(22) > 100 * error(9));
  }
}

BOOST_AUTO_TEST_CASE(kinks_caps_and_failures_are_told) {
  const NumericElement kink = data_of("x = [0, 1]; sum(relu(x))").numeric.leaves[0].elements[0];
  BOOST_TEST(kink.note.starts_with("kink"));
  BOOST_TEST(kink.accepted);
  const ExplorerOptions many = data_of("x = normal([100], seed=1); sum(x^2)");
  BOOST_TEST(many.numeric.leaves[0].elements.size() == 64);
  BOOST_TEST(many.numeric.note == "Only the first 64 elements of each input are moved.");
  for (const WhatIf& what_if : many.what_ifs)
    if (what_if.why_not.empty()) BOOST_TEST(contains(what_if.findings.at(0), "It was not checked"));
  // To the left of 0 the logarithm has no value: the steps that reach there give none.
  const NumericElement edge = data_of("x = 0.05; log(x)").numeric.leaves[0].elements[0];
  BOOST_TEST(!std::isfinite(edge.quotients[0]));
  BOOST_TEST(std::isfinite(edge.quotients[5]));
}

BOOST_AUTO_TEST_CASE(in_f32_the_differences_are_taken_in_f64) {
  const ExplorerOptions data = data_of("x = 0.3; sin(x)", DType::f32);
  const NumericElement element = data.numeric.leaves[0].elements[0];
  BOOST_TEST(element.accepted);
  BOOST_TEST(std::abs(element.gradient - std::cos(double{0.3f})) < 1e-15);
  BOOST_TEST(contains(data.numeric.note, "in f64"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
