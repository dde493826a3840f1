// Texts that are large, deep or meant to do harm: an answer or a Problem, soon, and never a crash.

#include <boost/test/unit_test.hpp>

#include "autograd/grad.h"
#include "tests/autograd/support.h"
#include "tests/examples/explain/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

BOOST_AUTO_TEST_SUITE(expression_hostile)

BOOST_AUTO_TEST_CASE(deep_nesting_is_refused) {
  for (const int depth : {1000, 10'000, 100'000}) {
    for (const std::string& text :
         {repeated("(", depth) + "1" + repeated(")", depth),
          repeated("[", depth) + "1" + repeated("]", depth), repeated("(", depth),
          repeated("sin(", depth) + "1" + repeated(")", depth), repeated("2^", depth) + "2",
          repeated("-", depth) + "x", repeated("2^-", depth) + "2"}) {
      const std::string said = problem_of(text);
      BOOST_TEST(said.find(": nested too deeply: at most 200 levels are read") != said.npos,
                 text.substr(0, 10) << ": " << said);
    }
  }
}

BOOST_AUTO_TEST_CASE(some_nesting_is_fine) {
  BOOST_TEST(value_of(repeated("(", 150) + "1" + repeated(")", 150)).item() == 1);
  BOOST_TEST(value_of(repeated("-", 150) + "1").item() == 1);
}

BOOST_AUTO_TEST_CASE(a_hundred_thousand_terms_are_summed_and_differentiated) {
  const auto sum = evaluated("a = 2; a" + repeated("+a", 99'999));
  BOOST_TEST(sum.result.item() == 200'000);
  BOOST_TEST(grad(sum.result, sum.variables)[0].item() == 100'000);
  BOOST_TEST(value_of("1" + repeated("/1", 100'000)).item() == 1);
  BOOST_TEST((value_of("[[1]]" + repeated("'", 100'000)).shape() == Shape{1, 1}));
}

BOOST_AUTO_TEST_CASE(tens_of_thousands_of_statements_run) {
  std::string text;
  for (int i = 0; i < 60'000; ++i) text += text_from('h', i + 1, "=h", i, ';');
  BOOST_TEST(value_of("h0=1;" + text + "h60000").item() == 1);
  BOOST_TEST(problem_of("h0=nan;" + text + "h60000") ==
             "column 4: the result is nan, because of this one");
}

BOOST_AUTO_TEST_CASE(a_megabyte_is_too_long_and_a_little_less_is_fine) {
  for (const std::string part : {"1+", " ", "x", "(", "é", "9", "[", ";"})
    BOOST_TEST(problem_of(repeated(part, 1'048'576)) ==
                   "column 1000001: the text is too long: at most 1000000 characters are read",
               part);
  const std::string list = "sum([1" + repeated(",1", 400'000) + "])";
  BOOST_TEST(value_of(list).item() == 400'001);
  const std::string said = problem_of(repeated("x", 900'000));
  BOOST_TEST(said.size() < 200);
  BOOST_TEST(problem_of(repeated("9", 900'000)).size() < 200);
  BOOST_TEST(problem_of(repeated("y", 500'000) + "(1)").size() < 200);
}

BOOST_AUTO_TEST_CASE(tensors_that_are_too_large_are_refused_at_their_column) {
  for (const std::string text :
       {"zeros([1000, 1001])", "zeros([1e9, 1e9, 1e9])", "zeros([1e15, 0])", "eye(1001)",
        "arange(1e12)", "broadcast_to(1, [1e4, 1e4])", "one_hot([1, 2], 1e6)",
        "scatter_add([1], [0], 0, 1e10)", "zeros([1000, 1]) + zeros([1, 1001])",
        "zeros([1000, 1]) @ zeros([1, 1001])", "linear(zeros([1001, 1]), zeros([1000, 1]))",
        "zeros([1e6, 1, 0]) + zeros([1, 1e6, 0])", "gather(zeros([1, 1001]), zeros(1000))",
        "concat(zeros(6e5), zeros(6e5))", "stack(zeros(6e5), zeros(6e5))",
        "attention_weights(zeros([1000, 1]), zeros([1001, 1]))",
        "where(zeros([1000, 1]), 1, zeros([1, 1001]))", "reshape(zeros([0]), [1e15, 0])",
        "reshape(zeros([0, 3]), [1e9, 1e9, 0])"}) {
    const std::string said = problem_of(text);
    BOOST_TEST((said.starts_with("column ") && said.find("allowed here") != said.npos),
               text << ": " << said);
  }
}

BOOST_AUTO_TEST_CASE(endless_work_is_refused) {
  const std::string said = problem_of("zeros([1000, 1000])" + repeated("+1", 1000));
  BOOST_TEST(said.find("too much to compute") != said.npos, said);
}

BOOST_AUTO_TEST_CASE(an_open_size_of_an_empty_tensor_is_refused) {
  BOOST_TEST(problem_of("reshape(zeros([0]), [-1, 0])").starts_with("column 1: reshape"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
