#include "autograd/tools/inspect.h"

#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <cstdlib>
#include <regex>
#include <sstream>

#include "autograd/grad.h"
#include "autograd/ops.h"
#include "autograd/tools/tape_story.h"

namespace {

using namespace adjoint;

template <class Print>
std::string printed(const Print& print, const Tensor& y) {
  std::ostringstream text;
  print(text, y);
  return text.str();
}

std::string drawn(const Tensor& y) {
  std::ostringstream text;
  print_dot(text, y);
  return text.str();
}
std::string drawn_with_numbers(const Tensor& y) {
  std::ostringstream text;
  print_dot(text, tape_story(y));
  return text.str();
}

// Demands the few kinds of line that a drawing has, each string closed, each edge between boxes.
void check_well_formed(const std::string& dot) {
  const std::string quoted = R"re("([^"\\\n]|\\["\\n])*")re";
  const std::regex box("  n([0-9]+) \\[label=" + quoted +
                       "(, style=filled, fillcolor=lightgray)?\\];");
  const std::regex edge(
      "  n([0-9]+) -> n([0-9]+)( \\[(taillabel=\"[0-9]+\")?(, )?(label=" + quoted + ")?\\])?;");
  std::istringstream lines(dot);
  std::vector<std::string> all;
  for (std::string line; std::getline(lines, line);) all.push_back(line);
  BOOST_TEST_REQUIRE(all.size() >= 5u);
  BOOST_TEST(all.front() == "digraph tape {");
  BOOST_TEST(all.back() == "}");
  std::size_t boxes = 0;
  for (std::size_t i = 4; i + 1 < all.size(); ++i) {
    std::smatch parts;
    if (std::regex_match(all[i], parts, box)) {
      BOOST_TEST(std::stoul(parts[1]) == ++boxes);
    } else {
      BOOST_TEST(std::regex_match(all[i], parts, edge), all[i]);
      BOOST_TEST(std::stoul(parts[1]) < std::stoul(parts[2]));
      BOOST_TEST(std::stoul(parts[2]) == boxes);
    }
  }
}

// A graph with several outputs, a constant, a value used twice, and a label that needs escapes.
Tensor varied() {
  const Tensor x = variable(tensor({1, 2, 3}), "\"x\" \\ &lt; {a|b} <c>\nline ünï \xff \x1b[31m");
  const Tensors parts = split(x * tensor({1, 0, 2}), 0, {1, 2});
  return sum(parts[1] * parts[1]) + sum(exp(parts[0]));
}

BOOST_AUTO_TEST_SUITE(inspect)

BOOST_AUTO_TEST_CASE(a_tape_is_printed_in_the_order_of_computation) {
  const Tensor x = variable(tensor({{1, 2}}), "x");
  const NameScope scope("layer");
  BOOST_TEST(printed(print_tape, sum(x * tensor({3, 4}))) ==
             "%1 = leaf 'x'  [1, 2]\n"
             "%2 = mul(%1, constant [2])  [1, 2]  layer\n"
             "%3 = sum(%2)  []  layer\n");
}

BOOST_AUTO_TEST_CASE(the_outputs_of_one_node_are_told_apart) {
  const Tensor x = variable(tensor({1, 2, 3}), "x");
  const Tensors parts = split(x, 0, {1, 2});
  const Tensor second = sum(parts[1]), first = sum(parts[0]);
  const Tensor y = first * second;
  const std::string tape = printed(print_tape, y), dot = drawn(y);
  BOOST_TEST(tape.find("%2.0, %2.1 = split(%1)  [1]  [2]\n") != std::string::npos, tape);
  BOOST_TEST(tape.find("sum(%2.1)") != std::string::npos, tape);
  BOOST_TEST(tape.find("sum(%2.0)") != std::string::npos, tape);
  BOOST_TEST(dot.find("[label=\"split\\n[1]\\n[2]\"]") != std::string::npos, dot);
  BOOST_TEST(dot.find("n2 -> n3 [taillabel=\"1\"]") != std::string::npos, dot);
}

BOOST_AUTO_TEST_CASE(a_consumed_node_says_so) {
  const Tensor x = variable(tensor({1, 2}), "x");
  const Tensor y = sum(exp(x));
  backward(y);
  BOOST_TEST(printed(print_tape, y) == "%1 = sum(consumed [2])  []\n");
  BOOST_TEST(drawn(y).find("consumed") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(names_are_escaped_in_dot) {
  const Tensor x = variable(tensor({1, 2}), "the \"x\" \\ of it");
  const std::string dot = drawn(sum(x));
  BOOST_TEST(dot.find(R"([label="the \"x\" \\ of it\n[2]")") != std::string::npos, dot);
}

BOOST_AUTO_TEST_CASE(a_drawing_is_well_formed_whatever_the_names) {
  check_well_formed(drawn(varied()));
  check_well_formed(drawn_with_numbers(varied()));
  const Tensor x = variable(tensor({1, 2}), "x");
  const Tensor y = sum(exp(x));
  backward(y);
  check_well_formed(drawn(y));
}

BOOST_AUTO_TEST_CASE(a_drawing_can_show_values_and_cotangents) {
  const Tensor x = variable(scalar(2, DType::f64), "x"), y = variable(scalar(3, DType::f64), "y");
  const std::string dot = drawn_with_numbers(x * y + x);
  const auto shows = [&](const std::string& part) {
    BOOST_TEST(dot.find(part) != std::string::npos, "no " << part << " in\n" << dot);
  };
  shows(R"(n1 [label="%1 = leaf 'x'\n= 2\ncotangent 4", style=filled, fillcolor=lightgray];)");
  shows(R"(n3 [label="%3 = mul(%1, %2)\n[]\ncotangent 1"];)");  // add reads no values
  shows(R"(n4 [label="%4 = add(%3, %1)\n= 8\ncotangent 1"];)");
  shows(R"(n1 -> n3 [label="3"];)");
  shows(R"(n1 -> n4 [label="1"];)");
}

BOOST_AUTO_TEST_CASE(an_unused_output_has_the_cotangent_zero_in_a_drawing) {
  const Tensor x = variable(tensor({1, 2, 3}), "x");
  const std::string dot = drawn_with_numbers(sum(split(x, 0, {1, 2})[0]));
  BOOST_TEST(dot.find("\\n[1]\\ncotangent [1]\\n[2]\\ncotangent 0\"];") != std::string::npos, dot);
}

BOOST_AUTO_TEST_CASE(graphviz_accepts_the_drawing) {
  if (std::system("command -v dot > /dev/null") != 0) {
    BOOST_TEST_MESSAGE("graphviz is not installed");
    return;
  }
  for (const std::string& dot : {drawn(varied()), drawn_with_numbers(varied())}) {
    FILE* const pipe = popen("dot -Tplain > /dev/null", "w");
    BOOST_TEST_REQUIRE(pipe);
    std::fwrite(dot.data(), 1, dot.size(), pipe);
    BOOST_TEST(pclose(pipe) == 0, dot);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
