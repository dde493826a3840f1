// Checks what data/README.md says about the corpus of the project.

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <map>
#include <set>

#include "autograd/support/files.h"
#include "data/pairs/parallel_corpus.h"

namespace {

using namespace adjoint;
using namespace adjoint::data;

const std::filesystem::path file =
    std::filesystem::path(__FILE__).parent_path() / "../../../data/english-french.tsv";

std::size_t words(const Tokens& tokens) {
  const std::set<std::string> marks = {".", ",", "!", "?"};
  std::size_t count = 0;
  for (const std::string& token : tokens) count += marks.contains(token) ? 0 : 1;
  return count;
}

BOOST_AUTO_TEST_SUITE(corpus)

BOOST_AUTO_TEST_CASE(sentences_are_short_and_many) {
  const std::vector<Pair> pairs = read_corpus(file, Tokenizer{}).pairs;
  BOOST_TEST(pairs.size() >= 1500u);
  for (const Pair& pair : pairs)
    for (const Tokens& side : {pair.source, pair.target})
      BOOST_TEST((words(side) >= 2 && words(side) <= 9), Tokenizer{}.detokenize(side));
}

BOOST_AUTO_TEST_CASE(no_sentence_occurs_twice) {
  std::set<Tokens> english, french;
  for (const Pair& pair : read_corpus(file, Tokenizer{}).pairs) {
    BOOST_TEST(english.insert(pair.source).second, Tokenizer{}.detokenize(pair.source));
    BOOST_TEST(french.insert(pair.target).second, Tokenizer{}.detokenize(pair.target));
  }
}

BOOST_AUTO_TEST_CASE(words_recur_in_other_sentences) {
  std::map<std::string, int> count;
  int all = 0, frequent = 0;
  for (const Pair& pair : read_corpus(file, Tokenizer{}).pairs)
    for (const std::string& word : pair.target) ++count[word];
  for (const auto& [word, times] : count) {
    BOOST_TEST(times >= 3, word);
    all += times;
    if (times >= 5) frequent += times;
  }
  BOOST_TEST(static_cast<double>(frequent) / all > 0.95);
}

BOOST_AUTO_TEST_CASE(french_marks_follow_a_narrow_space) {
  const std::string narrow = "\u202F";
  for (const std::string& line : read_lines(file)) {
    const std::string french = line.substr(line.find('\t') + 1);
    for (std::size_t i = 0; i < french.size(); ++i)
      if (french[i] == '?' || french[i] == '!')
        BOOST_TEST(
            (i >= narrow.size() && french.compare(i - narrow.size(), narrow.size(), narrow) == 0),
            line);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
