#include "autograd/tools/inspect.h"

#include <boost/test/unit_test.hpp>
#include <sstream>

#include "autograd/grad.h"
#include "autograd/ops.h"

namespace {

using namespace adjoint;

template <class Print>
std::string printed(const Print& print, const Tensor& y) {
  std::ostringstream text;
  print(text, y);
  return text.str();
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
  const std::string tape = printed(print_tape, y), dot = printed(print_dot, y);
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
  BOOST_TEST(printed(print_dot, y).find("consumed") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(names_are_escaped_in_dot) {
  const Tensor x = variable(tensor({1, 2}), "the \"x\" \\ of it");
  const std::string dot = printed(print_dot, sum(x));
  BOOST_TEST(dot.find(R"([label="the \"x\" \\ of it\n[2]")") != std::string::npos, dot);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
