#include "data/pairs/names.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <set>

#include "data/pairs/source_words.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint::data;
using adjoint::Error;
using adjoint::Key;
using adjoint::testing::says;
namespace tt = boost::test_tools;

const TaskOptions options = {.symbols = 26, .min_length = 4, .max_length = 8, .train_count = 2000};

// Tokens of the target that the source has too: names, and the words that both languages share.
Tokens shared(const Pair& pair) {
  Tokens result;
  for (const std::string& token : pair.target)
    if (std::ranges::count(pair.source, token) > 0 && token != "village") result.push_back(token);
  return result;
}

BOOST_AUTO_TEST_SUITE(names_task)

BOOST_AUTO_TEST_CASE(words_are_translated_and_names_are_kept) {
  std::size_t passive = 0;
  for (const auto& [source, target, line] : make_task("names", options).train) {
    if (source.size() == 5 && source[1] == "is") {  // x is seen by y
      BOOST_TEST(target.size() == 3u);
      BOOST_TEST(target[0] == source[4]);
      BOOST_TEST(target[2] == source[0]);
      if (source[2] == "seen") BOOST_TEST(target[1] == "voit");
      ++passive;
    } else if (source.size() == 3) {
      BOOST_TEST(target[0] == source[0]);
      BOOST_TEST(target[2] == source[2]);
      if (source[1] == "sees") BOOST_TEST(target[1] == "voit");
    } else if (source.size() == 6 && source[1] == "gives") {  // x gives y a red book
      BOOST_TEST(target[3] == source[2]);
      if (source[4] == "red") BOOST_TEST(target[6] == "rouge");
      if (source[5] == "book") BOOST_TEST(target[5] == "livre");
    }
  }
  BOOST_TEST(passive > 100u);
}

BOOST_AUTO_TEST_CASE(held_out_names_are_mostly_new) {
  const Split split = make_task("names", options);
  std::set<std::string> known;
  for (const Pair& pair : split.train) known.insert(pair.target.begin(), pair.target.end());
  std::size_t names = 0, unseen = 0;
  for (const Pair& pair : split.held_out) {
    BOOST_TEST(shared(pair).size() > 0u);
    for (const std::string& name : shared(pair)) {
      ++names;
      unseen += known.contains(name) ? 0 : 1;
    }
  }
  BOOST_TEST(unseen * 100 > names * 90);
}

// A name has one letter of a, b and c. "a" is a word, so two names are left.
BOOST_AUTO_TEST_CASE(the_number_of_sources) {
  TaskOptions few = {.symbols = 3, .min_length = 1, .max_length = 1};
  const double verbs = 10, places = 8, things = 64;
  BOOST_TEST(count_names(few) == 4 * verbs + 4 * verbs + 4 * verbs * places + 4 * things +
                                     2 * things * places + 8 * things);
  few.symbols = 1;
  BOOST_TEST(count_names(few) == 0);
  BOOST_CHECK_EXCEPTION(make_task("names", few), Error,
                        says("names: 1100 pairs requested, but there are only 0 distinct sources"));
}

BOOST_AUTO_TEST_SUITE_END()

// ---- The words of a source ----------------------------------------------------------------------

BOOST_AUTO_TEST_SUITE(with_source_words)

BOOST_AUTO_TEST_CASE(unknown_words_of_the_source_get_ids_in_order) {
  const Vocabulary vocabulary(
      std::vector<Tokens>{Tokens{"voit", "un"}});  // 4 and 5, in byte order: un, voit
  const WithSourceWords words(vocabulary, {"xod", "voit", "kwib", "xod", "<eos>", "rest"}, 3);
  BOOST_TEST(words.encode({"xod", "voit", "kwib", "<eos>", "rest", "other"}) ==
                 (std::vector<Vocabulary::Id>{6, 5, 7, 8, 3, 3}),
             tt::per_element());
  BOOST_TEST(words.contains("kwib"));
  BOOST_TEST(!words.contains("rest"));  // only three
  BOOST_TEST(
      words.decode({1, 7, 5, 6, 3, 8, 2, 4}) == (Tokens{"kwib", "voit", "xod", "<unk>", "<eos>"}),
      tt::per_element());
  BOOST_CHECK_EXCEPTION(
      words.decode({9}), Error,
      says("vocabulary: id 9 is beyond the 6 tokens and the 3 words of the source"));
}

BOOST_AUTO_TEST_CASE(without_room_it_is_the_vocabulary) {
  const Vocabulary vocabulary(std::vector<Tokens>{Tokens{"voit", "un"}});
  const WithSourceWords words(vocabulary, {"xod"}, 0);
  BOOST_TEST(words.encode({"xod", "un"}) == vocabulary.encode({"xod", "un"}), tt::per_element());
  BOOST_TEST(words.decode({5, 4, 3}) == vocabulary.decode({5, 4, 3}), tt::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
