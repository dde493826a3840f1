#include "data/metrics/error_rates.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "autograd/support/error.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint::data;
using adjoint::Error;
using adjoint::testing::says;
namespace tt = boost::test_tools;

const auto nearly = tt::tolerance(1e-12);

}  // namespace

BOOST_AUTO_TEST_SUITE(accuracy)

BOOST_AUTO_TEST_CASE(accuracy_leaves_padding_out) {
  const std::vector<std::int64_t> expected = {5, 6, 7, 0, 0};
  const std::vector<std::int64_t> predicted = {5, 9, 7, 0, 4};
  BOOST_TEST(token_accuracy(predicted, expected, 0) == 2.0 / 3, nearly);
  BOOST_TEST(token_accuracy(expected, expected, -1) == 1.0);
  BOOST_CHECK_EXCEPTION(token_accuracy(predicted, std::vector<std::int64_t>{5}, 0), Error,
                        says("token_accuracy: 5 predicted ids, but 1 expected ones"));
  const std::vector<std::int64_t> padding = {0, 0};
  BOOST_CHECK_EXCEPTION(token_accuracy(padding, padding, 0), Error,
                        says("token_accuracy: every position is ignored"));
}

BOOST_AUTO_TEST_CASE(perplexity_counts_equal_choices) {
  BOOST_TEST(perplexity(10 * std::log(8.0), 10) == 8.0, nearly);  // 10 tokens, 8 choices for each
  BOOST_TEST(perplexity(0, 3) == 1.0);
  BOOST_TEST(perplexity(1e9, 1) == std::numeric_limits<double>::infinity());
  BOOST_CHECK_EXCEPTION(perplexity(1, 0), Error,
                        says("perplexity: the number of tokens must be at least 1, got 0"));
}

BOOST_AUTO_TEST_CASE(a_sequence_is_right_as_a_whole) {
  const std::vector<Tokens> expected = {{"a", "b"}, {"c"}, {}, {"d", "e"}};
  BOOST_TEST(sequence_accuracy(expected, expected) == 1.0);
  BOOST_TEST(sequence_accuracy({{"a", "b"}, {"c", "c"}, {}, {"e", "d"}}, expected) == 0.5);
  BOOST_CHECK_EXCEPTION(sequence_accuracy({{"a"}}, expected), Error,
                        says("sequence_accuracy: 1 hypotheses, but 4 references"));
  BOOST_CHECK_EXCEPTION(sequence_accuracy({}, {}), Error, says("sequence_accuracy: no sentences"));
}

BOOST_AUTO_TEST_CASE(a_sequence_may_equal_any_of_its_references) {
  const std::vector<Tokens> first = {{"a"}, {"b"}, {"c"}};
  const std::vector<std::vector<Tokens>> more = {{{"x"}, {}, {}}, {{}, {"y"}, {}}};
  BOOST_TEST(sequence_accuracy({{"x"}, {"y"}, {"c"}}, first, more) == 1.0);
  BOOST_TEST(sequence_accuracy({{"y"}, {"y"}, {}}, first, more) == 1.0 / 3, nearly);
  BOOST_CHECK_THROW(sequence_accuracy(first, first, {{{"a"}}}), Error);
}

BOOST_AUTO_TEST_SUITE_END()
