// Exact match and F1 by hand, after the definition of SQuAD v1.1.
#include "examples/experiments/squad/metrics.h"

#include <boost/test/unit_test.hpp>

#include "autograd/support/error.h"

using namespace adjoint;
using namespace adjoint::squad;

namespace {

using Words = std::vector<std::string>;

std::vector<Answer> answers(const Words& texts) {
  std::vector<Answer> result;
  for (const std::string& text : texts) result.push_back({text, 0});
  return result;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(squad_metrics)

BOOST_AUTO_TEST_CASE(words_are_compared_without_case_signs_and_articles) {
  BOOST_TEST((compared_words("The  Old,\tMan and a Sea!") == Words{"old", "man", "and", "sea"}));
  BOOST_TEST((compared_words("U.S.A. it's well-known") == Words{"usa", "its", "wellknown"}));
  BOOST_TEST((compared_words("theatre an ant banana") == Words{"theatre", "ant", "banana"}));
  BOOST_TEST((compared_words("ZOË ÉMILE") == Words{"zoë", "émile"}));
  BOOST_TEST(compared_words("The a, an!").empty());
  BOOST_TEST(compared_words("").empty());
}

// Only ASCII's signs are removed. Others end an article: “the sea” is “ and sea”.
BOOST_AUTO_TEST_CASE(other_signs_stay) {
  BOOST_TEST((compared_words("“the sea”") == Words{"“", "sea”"}));
  BOOST_TEST((compared_words("1914–1918") == Words{"1914–1918"}));
  BOOST_TEST((compared_words("a\u00A0b") == Words{"b"}));
  BOOST_TEST((compared_words("_the_") == Words{}));  // _ is one of ASCII's signs
}

BOOST_AUTO_TEST_CASE(exact_match_is_of_any_expected_answer) {
  BOOST_TEST(exact_match("the Sea.", answers({"lake", "sea"})) == 1);
  BOOST_TEST(exact_match("seas", answers({"sea"})) == 0);
  BOOST_TEST(exact_match("sea old", answers({"old sea"})) == 0);
  BOOST_TEST(exact_match("the", answers({"a"})) == 1);  // both without words
}

BOOST_AUTO_TEST_CASE(f1_counts_shared_words) {
  BOOST_TEST(f1("old sea", answers({"sea old"})) == 1);
  BOOST_TEST(f1("the old man", answers({"old sea"})) == 0.5);         // P = R = 1/2
  BOOST_TEST(f1("old", answers({"old grey sea"})) == 0.5);            // P = 1, R = 1/3
  BOOST_TEST(f1("old old old", answers({"old old sea"})) == 2. / 3);  // two are shared
  BOOST_TEST(f1("lake", answers({"sea"})) == 0);
  BOOST_TEST(f1("old sea", answers({"lake", "sea", "old blue sea"})) == 0.8);
  BOOST_TEST(f1("", answers({"sea"})) == 0);
  BOOST_TEST(f1("the", answers({"a"})) == 0);  // no word is shared
}

BOOST_AUTO_TEST_CASE(text_that_is_not_utf8_is_an_error) {
  BOOST_CHECK_THROW(exact_match("\xFF", answers({"sea"})), Error);
}

BOOST_AUTO_TEST_SUITE_END()
