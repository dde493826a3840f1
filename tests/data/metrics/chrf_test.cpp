#include "data/metrics/chrf.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "autograd/random.h"
#include "autograd/support/error.h"
#include "tests/autograd/support.h"
#include "tests/data/support.h"

namespace {

using namespace adjoint::data;
using adjoint::Error;
using adjoint::Key;
using adjoint::testing::RandomCorpus;
using adjoint::testing::says;
using adjoint::testing::shuffled;
namespace tt = boost::test_tools;

const auto nearly = tt::tolerance(1e-12);

}  // namespace

BOOST_AUTO_TEST_SUITE(chrf)

// --- published figures: test/test_chrf.py and README.md of sacreBLEU 2.0
// (github.com/mjpost/sacrebleu). The tests there hold to 1e-4. ---

struct Published {
  std::vector<std::string> hypotheses, references;
  double score;
};

void check(const std::vector<Published>& cases, const ChrfOptions& options) {
  for (const Published& c : cases) {
    const double score = corpus_chrf(c.hypotheses, c.references, options).score;
    BOOST_TEST(std::abs(score - c.score) < 1e-4, c.hypotheses[0] << ": " << score);
  }
}

// test_cases_effective_order
BOOST_AUTO_TEST_CASE(published_scores_by_effective_order) {
  check({{{"a"}, {"a"}, 100.0},
         {{""}, {"reference"}, 0.0},
         {{"a b c"}, {"a b c"}, 100.0},
         {{"a b c"}, {"abc"}, 100.0},
         {{""}, {"c"}, 0.0},
         {{"a", "b"}, {"a", "c"}, 50.0},
         {{"aa"}, {"ab"}, 25.0}},
        {.beta = 3});
}

// test_cases_keep_whitespace
BOOST_AUTO_TEST_CASE(published_scores_with_white_space) {
  check({{{"Die Beziehung zwischen Obama und Netanjahu ist nicht gerade freundlich."},
          {"Das Verhältnis zwischen Obama und Netanyahu ist nicht gerade freundschaftlich."},
          67.3481606},
         {{"risk assessment must be made of those who are qualified and expertise in the sector - "
           "these are the scientists ."},
          {"risk assessment has to be undertaken by those who are qualified and expert in that "
           "area - that is the scientists ."},
          65.2414427}},
        {.beta = 3, .whitespace = true});
}

// test_cases
BOOST_AUTO_TEST_CASE(published_scores_with_an_epsilon) {
  check({{{"abcdefg"}, {"hijklmnop"}, 0.0},
         {{"a"}, {"b"}, 0.0},
         {{""}, {"b"}, 0.0},
         {{""}, {"ref"}, 0.0},
         {{""}, {"reference"}, 0.0},
         {{"aa"}, {"ab"}, 8.3333},
         {{"a", "b"}, {"a", "c"}, 8.3333},
         {{"a"}, {"a"}, 16.6667},
         {{"a b c"}, {"a b c"}, 50.0},
         {{"a b c"}, {"abc"}, 50.0},
         {{" risk assessment must be made of those who are qualified and expertise in the sector - "
           "these are the scientists ."},
          {"risk assessment has to be undertaken by those who are qualified and expert in that "
           "area - that is the scientists ."},
          63.361730},
         {{" Die    Beziehung zwischen  Obama und Netanjahu ist nicht gerade  freundlich. "},
          {"Das Verhältnis zwischen Obama und Netanyahu ist nicht gerade freundschaftlich."},
          64.1302698},
         {{"Niemand hat die Absicht, eine Mauer zu errichten"},
          {"Niemand hat die Absicht, eine Mauer zu errichten"},
          100.0}},
        {.beta = 3, .epsilon_smoothing = true});
}

// test_sentence_level_chrf
BOOST_AUTO_TEST_CASE(published_scores_of_sentences) {
  check({{{"Co nás nejvíc trápí, protože lékaři si vybírají, kdo bude žít a kdo zemře."},
          {"Nejvíce smutní jsme z toho, že musíme rozhodovat o tom, kdo bude žít a kdo zemře."},
          39.14078509},
         {{"Nebo prostě nemají vybavení, které by jim pomohlo, uvedli lékaři."},
          {"A někdy nemáme ani potřebný materiál, abychom jim pomohli, popsali lékaři."},
          31.22557079},
         {{"Lapali po dechu, jejich životy skončily dřív, než skutečně začaly."},
          {"Lapali po dechu a pak jejich život skončil - dřív, než skutečně mohl začít, "
           "připomněli."},
          57.15704367}},
        {.epsilon_smoothing = true});
}

// README.md, "Using SacreBLEU from Python": two references, chrF2 = 59.73
BOOST_AUTO_TEST_CASE(published_score_with_two_references) {
  const std::vector<std::vector<std::string>> references = {
      {"The dog bit the man.", "It was not unexpected.", "The man bit him first."},
      {"The dog had bit the man.", "No one was surprised.", "The man had bitten the dog."}};
  const ChrfScore chrf =
      corpus_chrf({"The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."},
                  references);
  BOOST_TEST(std::abs(chrf.score - 59.73) < 0.005);
  BOOST_TEST(chrf.name == "chrF2");
  BOOST_TEST(chrf.signature == "nrefs:2|case:mixed|eff:yes|nc:6|nw:0|space:no");
}

// --- by hand ---

// ab against abc: P = 2/2, 1/1; R = 2/3, 1/2; trigrams occur on one side only.
// P = 1, R = 7/12, F = 5 · 7/12 / (4 + 7/12) = 7/11.
BOOST_AUTO_TEST_CASE(averages_run_over_orders_on_both_sides) {
  BOOST_TEST(corpus_chrf({"ab"}, {"abc"}).score == 700.0 / 11, nearly);
  BOOST_TEST(corpus_chrf({"a b\u202F"}, {"a\tbc"}).score == 700.0 / 11, nearly);
  // P and R change places: P = 7/12, R = 1, F = 5 · 7/12 / (4 · 7/12 + 1) = 7/8
  BOOST_TEST(corpus_chrf({"abc"}, {"ab"}).score == 87.5, nearly);
}

// "é !" against "e !": one character of two, one word of two, no pair of words of one.
// P = R = (1/2 + 1/2 + 0) / 3 = 1/3.
BOOST_AUTO_TEST_CASE(words_count_besides_characters) {
  const ChrfScore chrf = corpus_chrf({"é !"}, {"e !"}, {.char_order = 1, .word_order = 2});
  BOOST_TEST(chrf.score == 100.0 / 3, nearly);
  BOOST_TEST(chrf.name == "chrF2++");
  BOOST_TEST(chrf.signature == "nrefs:1|case:mixed|eff:yes|nc:1|nw:2|space:no");
}

// Words only: a mark at the end of a word is split off, or else one at its beginning. "(hi) (you"
// gives (hi ) ( you, and "(hi )you" gives ( hi ) you: three of four words match.
BOOST_AUTO_TEST_CASE(one_mark_of_a_word_is_split_off) {
  const ChrfOptions words = {.char_order = 0, .word_order = 1};
  BOOST_TEST(corpus_chrf({"(hi) (you"}, {"(hi )you"}, words).score == 75.0, nearly);
}

BOOST_AUTO_TEST_CASE(case_counts_by_default) {
  BOOST_TEST(corpus_chrf({"ÉTÉ"}, {"été"}).score == 0.0);
  const ChrfScore chrf = corpus_chrf({"ÉTÉ"}, {"été"}, {.lowercase = true});
  BOOST_TEST(chrf.score == 100.0, nearly);
  BOOST_TEST(chrf.signature == "nrefs:1|case:lc|eff:yes|nc:6|nw:0|space:no");
}

BOOST_AUTO_TEST_CASE(invalid_options_are_named) {
  const auto refused = [](const ChrfOptions& options, const std::string& complaint) {
    BOOST_CHECK_EXCEPTION(corpus_chrf({"a"}, {"a"}, options), Error, says(complaint));
  };
  refused({.char_order = 0},
          "corpus_chrf: the n-gram orders must not be negative or all 0, got 0 for characters and "
          "0 for words");
  refused({.beta = 0}, "corpus_chrf: beta must be at least 1, got 0");
  BOOST_CHECK_EXCEPTION(corpus_chrf({"a"}, {"a", "b"}), Error,
                        says("corpus_chrf: 1 hypotheses, but 2 references"));
}

// --- properties ---

BOOST_AUTO_TEST_CASE(chrf_has_its_properties) {
  for (std::uint64_t round = 0; round < 300; ++round) {
    const Key key = Key(1).child(round);
    const RandomCorpus corpus(key), more(key.child("more"));
    for (const bool epsilon : {false, true}) {
      const ChrfOptions options = {.word_order = static_cast<std::int64_t>(round % 3),
                                   .epsilon_smoothing = epsilon};
      const double score = corpus_chrf(corpus.hypotheses, corpus.references, options).score;
      BOOST_TEST((score >= 0 && score <= 100 + 1e-9));
      const auto h = shuffled(corpus.hypotheses, key), r = shuffled(corpus.references, key);
      BOOST_TEST(corpus_chrf(h, r, options).score == score);
      const std::vector<std::vector<std::string>> twice = {corpus.references, corpus.references};
      BOOST_TEST(corpus_chrf(corpus.hypotheses, twice, options).score == score);
    }
    std::vector<std::string> identical = corpus.hypotheses;
    identical.push_back("one sentence");
    BOOST_TEST(corpus_chrf(identical, identical, {.word_order = 2}).score == 100.0, nearly);

    // The best of several references counts: another one never lowers a score.
    const std::vector<std::vector<std::string>> both = {{corpus.references[0]},
                                                        {more.references[0]}};
    BOOST_TEST(corpus_chrf({corpus.hypotheses[0]}, both).score >=
               corpus_chrf({corpus.hypotheses[0]}, {corpus.references[0]}).score);
  }
}

BOOST_AUTO_TEST_SUITE_END()
