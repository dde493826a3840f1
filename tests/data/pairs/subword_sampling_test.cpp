#include "data/pairs/subword_sampling.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <map>

#include "autograd/support/error.h"
#include "autograd/support/files.h"
#include "tests/autograd/support.h"
#include "tests/data/with_sentencepiece.h"

namespace {

using namespace adjoint::data;
using adjoint::Error;
using adjoint::Key;
using adjoint::testing::says;
namespace tt = boost::test_tools;

const SubwordSampler::Scores letters_and_pairs = {{"▁", -2},  {"a", -1.5},  {"b", -3},
                                                  {"▁a", -1}, {"ab", -2.5}, {"▁ab", -4}};

std::string joined(const Tokens& pieces, const std::string& between = "") {
  std::string text;
  for (const std::string& piece : pieces) text += (text.empty() ? "" : between) + piece;
  return text;
}

// How often each cut of "▁ab" is drawn.
std::map<std::string, double> frequencies(const SubwordSampler& sampler, int draws) {
  std::map<std::string, double> shares;
  for (int i = 0; i < draws; ++i)
    shares[joined(sampler({"▁ab"}, Key(7).child(static_cast<std::uint64_t>(i))), " ")] +=
        1.0 / draws;
  return shares;
}

BOOST_AUTO_TEST_SUITE(subword_sampling)

// The four cuts, each in proportion to exp(0.2 · its score).
BOOST_AUTO_TEST_CASE(unigram_cuts_have_their_probabilities) {
  const std::map<std::string, double> scores = {
      {"▁ab", -4}, {"▁a b", -4}, {"▁ ab", -4.5}, {"▁ a b", -6.5}};
  double all = 0;
  for (const auto& [cut, score] : scores) all += std::exp(0.2 * score);
  const std::map<std::string, double> always =
      frequencies(SubwordSampler(letters_and_pairs, "unigram", 1), 4000);
  const std::map<std::string, double> often =
      frequencies(SubwordSampler(letters_and_pairs, "unigram", 0.6), 4000);
  BOOST_TEST(always.size() == scores.size());
  for (const auto& [cut, score] : scores) {
    const double expected = std::exp(0.2 * score) / all;
    BOOST_TEST(std::abs(always.at(cut) - expected) < 0.03, cut);
    BOOST_TEST(std::abs(often.at(cut) - (0.6 * expected + (cut == "▁ab" ? 0.4 : 0))) < 0.03, cut);
  }
}

// ▁a comes before ab, and ▁ab can be made of both.
BOOST_AUTO_TEST_CASE(bpe_leaves_out_merges) {
  const double p = 0.3;
  const std::map<std::string, double> shares =
      frequencies(SubwordSampler(letters_and_pairs, "bpe", p), 4000);
  BOOST_TEST(std::abs(shares.at("▁ a b") - p * p) < 0.03);
  BOOST_TEST(std::abs(shares.at("▁a b") - (1 - p) * p) < 0.03);
  BOOST_TEST(std::abs(shares.at("▁ ab") - p * (1 - p) * p) < 0.03);
}

BOOST_AUTO_TEST_CASE(the_key_alone_decides) {
  for (const char* algorithm : {"bpe", "unigram"}) {
    const SubwordSampler sampler(letters_and_pairs, algorithm, 0.5);
    const Tokens text = {"▁ab", "▁a", "a", "▁ab", "▁ab"};
    const Tokens first = sampler(text, Key(1));
    BOOST_TEST((sampler(text, Key(1)) == first));
    BOOST_TEST((sampler(text, Key(2)) != first));
    BOOST_TEST(joined(first) == joined(text));
  }
}

BOOST_AUTO_TEST_CASE(words_with_unknown_characters_stay) {
  for (const char* algorithm : {"bpe", "unigram"}) {
    const SubwordSampler sampler(letters_and_pairs, algorithm, 0.9);
    BOOST_TEST((sampler({"▁a", "x", "ab"}, Key(1)) == Tokens{"▁a", "x", "ab"}));
    BOOST_TEST((sampler({}, Key(1)).empty()));
  }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_sampled_is_an_error) {
  BOOST_CHECK_EXCEPTION(SubwordSampler({}, "words", 0.1), Error,
                        says("subwords: unknown algorithm \"words\", expected unigram or bpe"));
  BOOST_CHECK_EXCEPTION(
      SubwordSampler({}, "bpe", 1.5), Error,
      says("subwords: the probability of another cut must lie in [0, 1], is 1.5"));
  for (const auto& [score, shown] :
       std::map<double, std::string>{{-HUGE_VAL, "-inf"}, {HUGE_VAL, "inf"}, {-1e300, "-1e+300"}})
    for (const char* algorithm : {"bpe", "unigram"})
      BOOST_CHECK_EXCEPTION(
          SubwordSampler({{"a", -1}, {"b", score}}, algorithm, 0.5), Error,
          says("subwords: the score of 'b' must be a finite number in 32 bits, is " + shown));
}

// With all merges kept the cut is the library's own; with some left out the text stays.
BOOST_AUTO_TEST_CASE(it_agrees_with_the_library,
                     *boost::unit_test::precondition(adjoint::testing::with_sentencepiece)) {
  const auto corpus =
      std::filesystem::path(__FILE__).parent_path() / "../../../data/english-french.tsv";
  std::vector<std::string> sentences;
  for (const std::string& line : adjoint::read_lines(corpus))
    if (sentences.size() < 500) sentences.push_back(line.substr(line.find('\t') + 1));
  for (const char* algorithm : {"bpe", "unigram"}) {
    const Subwords model = Subwords::train(sentences, {.max_pieces = 200, .algorithm = algorithm});
    const SubwordSampler none(model.scores(), algorithm, 0), some(model.scores(), algorithm, 0.5);
    std::size_t changed = 0;
    for (const std::string& sentence : sentences) {
      const Tokens usual = model.cut(sentence);
      BOOST_TEST((none(usual, Key(1)) == usual), sentence);
      const Tokens other = some(usual, Key(1));
      BOOST_TEST(model.join(other) == model.join(usual));
      changed += other != usual;
    }
    BOOST_TEST(changed > sentences.size() / 5);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
