#include "data/metrics/bleu.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>
#include <vector>

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

/// The two sets of references in sacreBLEU's README, and its hypotheses.
const std::vector<std::string> dog_bites = {"The dog bit the man.", "It wasn't surprising.",
                                            "The man had just bitten him."};
const std::vector<std::vector<std::string>> dog_references = {
    {"The dog bit the man.", "It was not unexpected.", "The man bit him first."},
    {"The dog had bit the man.", "No one was surprised.", "The man had bitten the dog."}};

}  // namespace

BOOST_AUTO_TEST_SUITE(bleu_suite)

// --- the book's bleu: its own examples first ---

// Label A B C D E F, prediction A B B C D (d2l): p1 = 4/5, p2 = 3/4, p3 = 1/3, p4 = 0, and the
// penalty exp(1 − 6/5).
BOOST_AUTO_TEST_CASE(the_books_bleu_of_the_books_example) {
  const double penalty = std::exp(-0.2);
  const double two = penalty * std::sqrt(4.0 / 5) * std::pow(3.0 / 4, 0.25);
  BOOST_TEST(bleu("A B B C D", "A B C D E F", 2) == two, nearly);
  BOOST_TEST(bleu("A B B C D", "A B C D E F", 3) == two * std::pow(1.0 / 3, 0.125), nearly);
  BOOST_TEST(bleu("A B B C D", "A B C D E F", 4) == 0.0);
}

// Prediction A B: p1 = p2 = 1, so only the penalty exp(1 − 6/2), "about 0.14", remains (d2l).
BOOST_AUTO_TEST_CASE(the_books_bleu_of_a_short_prediction) {
  BOOST_TEST(bleu("A B", "A B C D E F", 2) == std::exp(-2.0), nearly);
  BOOST_TEST(bleu("A B", "A B C D E F", 9) == std::exp(-2.0), nearly);  // n stops at 2
}

// "i'm home ." in the book: p1 = 3/4 (je, suis, .), p2 = 1/3 (je suis), penalty exp(1 − 5/4);
// the page prints 0.512.
BOOST_AUTO_TEST_CASE(the_books_bleu_of_a_printed_translation) {
  const double expected = std::exp(-0.25) * std::sqrt(3.0 / 4) * std::pow(1.0 / 3, 0.25);
  BOOST_TEST(bleu("je suis certain .", "je suis chez moi .", 2) == expected, nearly);
  BOOST_TEST(std::abs(expected - 0.512) < 0.0005);
}

BOOST_AUTO_TEST_CASE(the_books_bleu_clips_repeated_ngrams) {
  BOOST_TEST(bleu("a a a a", "a b", 1) == 0.5, nearly);  // one of four, weight 1/2
}

BOOST_AUTO_TEST_CASE(the_books_bleu_at_the_edges) {
  BOOST_TEST(bleu("va !", "va !", 2) == 1.0);
  BOOST_TEST(bleu("va", "va", 4) == 1.0);
  BOOST_TEST(bleu("", "va !", 2) == 0.0);
  BOOST_TEST(bleu("a b", "a", 2) == 0.0);  // no bigram in the label
  BOOST_CHECK_EXCEPTION(bleu("a", "a", 0), Error, says("bleu: k must be at least 1, got 0"));
}

// --- corpus BLEU, worked by hand from the formula in metrics.h ---

// Hypotheses and first references of the sacreBLEU documentation. Sentence by sentence:
//   The dog bit the man .         against itself: 6/6, 5/5, 4/4, 3/3 n-grams match
//   It wasn't surprising .        against It was not unexpected .: 2/4 (It, .), 0/3, 0/2, 0/1
//   The man had just bitten him . against The man bit him first .: 4/7 (The man him .),
//                                 1/6 (The man), 0/5, 0/4
// Together 12/17, 6/14, 4/11, 3/8; both sides have 17 tokens, so there is no penalty.
BOOST_AUTO_TEST_CASE(corpus_bleu_sums_before_it_divides) {
  const BleuScore bleu =
      corpus_bleu({"The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."},
                  {"The dog bit the man.", "It was not unexpected.", "The man bit him first."});
  BOOST_TEST(bleu.counts == (std::array<std::int64_t, 4>{12, 6, 4, 3}), tt::per_element());
  BOOST_TEST(bleu.totals == (std::array<std::int64_t, 4>{17, 14, 11, 8}), tt::per_element());
  BOOST_TEST(bleu.sys_len == 17);
  BOOST_TEST(bleu.ref_len == 17);
  BOOST_TEST(bleu.bp == 1.0);
  BOOST_TEST(bleu.precisions[0] == 100 * 12.0 / 17, nearly);
  BOOST_TEST(bleu.precisions[3] == 37.5, nearly);
  const double product = 12.0 / 17 * 6 / 14 * 4 / 11 * 3 / 8;
  BOOST_TEST(bleu.score == 100 * std::pow(product, 0.25), nearly);
  BOOST_TEST(std::abs(bleu.score - 45.0675) < 1e-4);
}

// a b c d against a b x d: 3/4, 1/3, then no match: 0/2 counts as ½/2 = 1/4 and 0/1 as ¼/1 = 1/4.
// ¾ · ⅓ · ¼ · ¼ = 2⁻⁶, and its fourth root is 2^−1.5.
BOOST_AUTO_TEST_CASE(corpus_bleu_smooths_orders_without_a_match) {
  const BleuScore bleu = corpus_bleu({"a b c d"}, {"a b x d"});
  BOOST_TEST(bleu.precisions[2] == 25.0, nearly);
  BOOST_TEST(bleu.precisions[3] == 25.0, nearly);
  BOOST_TEST(bleu.counts[2] == 0);
  BOOST_TEST(bleu.score == 100 * std::pow(2, -1.5), nearly);
}

// All n-grams match, but 4 tokens face 5: only the penalty exp(1 − 5/4) remains.
BOOST_AUTO_TEST_CASE(corpus_bleu_punishes_brevity) {
  const BleuScore bleu = corpus_bleu({"a b c d"}, {"a b c d e"});
  BOOST_TEST(bleu.bp == std::exp(-0.25), nearly);
  BOOST_TEST(bleu.score == 100 * std::exp(-0.25), nearly);
  BOOST_TEST(corpus_bleu({"a b c d e"}, {"a b c d"}).bp == 1.0);  // length has no penalty
}

// The sentence pair of sacreBLEU's test_bleu.py, with its counts there (4 2 1 0 of 6 5 4 3). Here
// the last order is smoothed to ½/3 = 1/6, and 6 tokens face 8: exp(1 − 8/6).
// 4/6 · 2/5 · 1/4 · 1/6 = 1/90.
BOOST_AUTO_TEST_CASE(corpus_bleu_of_the_published_statistics) {
  const BleuScore bleu =
      corpus_bleu({"am I am a character sequence"}, {"I am a symbol string sequence a a"});
  BOOST_TEST(bleu.counts == (std::array<std::int64_t, 4>{4, 2, 1, 0}), tt::per_element());
  BOOST_TEST(bleu.totals == (std::array<std::int64_t, 4>{6, 5, 4, 3}), tt::per_element());
  BOOST_TEST(bleu.score == 100 * std::exp(-1.0 / 3) * std::pow(1.0 / 90, 0.25), nearly);
}

// Without effective_order: no hypothesis of four tokens, no 4-gram, no score.
BOOST_AUTO_TEST_CASE(corpus_bleu_of_short_sentences) {
  const BleuScore bleu = corpus_bleu({"a b c"}, {"a b c"});
  BOOST_TEST(bleu.score == 0.0);
  BOOST_TEST(bleu.precisions[2] == 100.0);
  BOOST_TEST(bleu.precisions[3] == 0.0);
  // Beside a longer sentence they count: 5/6 unigrams, and all that is longer matches.
  BOOST_TEST(
      corpus_bleu({"a", "b c d e f"}, {"x", "b c d e f"}).score == 100 * std::pow(5.0 / 6, 0.25),
      nearly);
}

BOOST_AUTO_TEST_CASE(corpus_bleu_without_a_match) {
  const BleuScore bleu = corpus_bleu({"x y"}, {"a b c"});
  BOOST_TEST(bleu.score == 0.0);
  BOOST_TEST(bleu.precisions == (std::array<double, 4>{}), tt::per_element());
  BOOST_TEST(bleu.bp == std::exp(-0.5), nearly);
  BOOST_TEST(corpus_bleu({""}, {"a"}).bp == 0.0);
  BOOST_TEST(corpus_bleu({""}, {"a"}).score == 0.0);
}

BOOST_AUTO_TEST_CASE(corpus_bleu_refuses_unequal_numbers_of_sentences) {
  const std::vector<std::string> none;
  BOOST_CHECK_EXCEPTION(corpus_bleu(none, none), Error, says("corpus_bleu: no sentences"));
  BOOST_CHECK_EXCEPTION(corpus_bleu({"a", "b"}, {"a"}), Error,
                        says("corpus_bleu: 2 hypotheses, but 1 references"));
}

// --- published figures. README.md, test/test_bleu.py and test/test_sentence_bleu.py are those of
// sacreBLEU 2.0 (github.com/mjpost/sacrebleu). ---

BOOST_AUTO_TEST_CASE(published_scores_with_two_references) {
  const auto score = [](const BleuOptions& options) {
    return corpus_bleu(dog_bites, dog_references, options).score;
  };
  const auto printed = tt::tolerance(1e-8);  // relative; they are printed with six digits or eight
  BOOST_TEST(score({}) == 48.530827, printed);  // all five: test_bleu.py, test_corpus_bleu_cases
  BOOST_TEST(score({.tokenizer = "none"}) == 49.1919566, printed);
  BOOST_TEST(score({.tokenizer = "intl"}) == 43.91623493, printed);
  BOOST_TEST(score({.smoothing = "none"}) == 48.530827, printed);
  BOOST_TEST(corpus_bleu({"", "", ""}, dog_references).score == 0.0);
}

// README.md: BLEU = 48.53 82.4/50.0/45.5/37.5 (BP = 0.943 ratio = 0.944 hyp_len = 17 ref_len = 18)
BOOST_AUTO_TEST_CASE(published_report_with_two_references) {
  const BleuScore bleu = corpus_bleu(dog_bites, dog_references);
  const std::array published = {82.4, 50.0, 45.5, 37.5};
  for (std::size_t i = 0; i < 4; ++i) BOOST_TEST(std::abs(bleu.precisions[i] - published[i]) < .05);
  BOOST_TEST(std::abs(bleu.bp - 0.943) < 0.0005);
  BOOST_TEST(bleu.sys_len == 17);
  BOOST_TEST(bleu.ref_len == 18);
  BOOST_TEST(bleu.signature == "nrefs:2|case:mixed|eff:no|tok:13a|smooth:exp");
}

// README.md, "Variable Number of References": without the first reference of the first sentence
// BLEU = 29.44 82.4/42.9/27.3/12.5 (BP = 0.889 ratio = 0.895 hyp_len = 17 ref_len = 19).
BOOST_AUTO_TEST_CASE(published_report_with_a_reference_missing) {
  std::vector<std::vector<std::string>> references = dog_references;
  references[0][0] = "";
  const BleuScore bleu = corpus_bleu(dog_bites, references);
  BOOST_TEST(std::abs(bleu.score - 29.44) < 0.005);
  BOOST_TEST(std::abs(bleu.precisions[3] - 12.5) < 0.05);
  BOOST_TEST(std::abs(bleu.bp - 0.889) < 0.0005);
  BOOST_TEST(bleu.ref_len == 19);
  BOOST_TEST(bleu.signature == "nrefs:var|case:mixed|eff:no|tok:13a|smooth:exp");
}

// test_sentence_bleu.py, test_cases: the smoothing, its value, the tokenizer, the case.
BOOST_AUTO_TEST_CASE(published_scores_of_a_sentence) {
  const std::vector<std::string> reference = {"producţia de zahăr brut se exprimă în zahăr alb;"};
  const std::string hypothesis =
      "Producția de zahăr primă va fi exprimată în ceea ce privește zahărul alb;";
  const auto check = [&](BleuOptions options, double published) {
    options.effective_order = true;
    const BleuScore bleu = sentence_bleu(hypothesis, reference, options);
    BOOST_TEST(std::abs(bleu.score - published) < 1e-3, bleu.signature << " " << bleu.score);
  };
  check({}, 8.493);
  check({.smoothing = "none"}, 0);
  check({.smoothing = "floor"}, 4.51688);
  check({.smoothing = "floor", .smoothing_value = 0.1}, 4.51688);
  check({.smoothing = "floor", .smoothing_value = 0.5}, 10.10);
  check({.smoothing = "add-k"}, 14.882);
  check({.smoothing = "add-k", .smoothing_value = 1}, 14.882);
  check({.smoothing = "add-k", .smoothing_value = 2}, 21.389);
  check({.tokenizer = "none"}, 7.347);
  check({.tokenizer = "intl"}, 8.493);
  check({.tokenizer = "char"}, 40.8759);
  check({.tokenizer = "char", .lowercase = true}, 42.0267);
}

// test_sentence_bleu.py, test_cases_zero_bleu: nothing matches, and no smoothing changes that.
BOOST_AUTO_TEST_CASE(published_scores_without_a_match) {
  for (const std::string smoothing : {"exp", "none", "floor", "add-k"}) {
    const BleuOptions options = {.smoothing = smoothing, .effective_order = true};
    BOOST_TEST(sentence_bleu("this is a cat", {"okay thanks"}, options).score == 0.0);
  }
}

// test_bleu.py, test_raw_bleu_cases, test_case_effective_order and test_case_offset: not tokenized,
// a floor of 0.01 (the last: 0.1), effective order. They are printed on the scale of 0 to 1.
BOOST_AUTO_TEST_CASE(published_scores_of_tokens_with_a_floor) {
  const auto score = [](const std::string& hypothesis, const std::string& reference, double floor) {
    return sentence_bleu(hypothesis, {reference},
                         {.tokenizer = "none",
                          .smoothing = "floor",
                          .smoothing_value = floor,
                          .effective_order = true})
               .score /
           100;
  };
  const auto printed = tt::tolerance(1e-9);
  BOOST_TEST(score("this is a test", "this is a test", .01) == 1.0, printed);
  BOOST_TEST(score("this is a fest", "this is a test", .01) == 0.223606797749979, printed);
  BOOST_TEST(score("test", "a test", .01) == 0.3678794411714425, printed);
  BOOST_TEST(score("a test", "a test", .01) == 1.0, printed);
  BOOST_TEST(score("a little test", "a test", .01) == 0.03218297948685433, printed);
  const std::string symbols = "I am a symbol string sequence a a";
  BOOST_TEST(score("am I am a character sequence", symbols, 0.1) == 0.1555722182, printed);
  BOOST_TEST(score("am I am a character sequence", symbols, 0) == 0.0);
}

// --- the options ---

// Two tokens: no n-gram of three. With add-k it has (0 + k) / (0 + k) of its own, in sacreBLEU too.
BOOST_AUTO_TEST_CASE(short_sentences_count_by_effective_order_or_added_matches) {
  const auto score = [](const BleuOptions& options) {
    return corpus_bleu({"a b"}, {"a c"}, options).score;
  };
  BOOST_TEST(score({}) == 0.0);
  // 1/2 and ½/1
  BOOST_TEST(score({.effective_order = true}) == 50.0, nearly);
  // 1/2, (0 + 1)/(1 + 1), 1/1, 1/1
  BOOST_TEST(score({.smoothing = "add-k"}) == 100 * std::pow(0.25, 0.25), nearly);
}

BOOST_AUTO_TEST_CASE(signatures_name_every_option) {
  const auto signature = [](const BleuOptions& options) {
    return corpus_bleu({"a"}, {"a"}, options).signature;
  };
  BOOST_TEST(signature({}) == "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp");
  BOOST_TEST(signature({.tokenizer = "char", .smoothing = "floor", .lowercase = true}) ==
             "nrefs:1|case:lc|eff:no|tok:char|smooth:floor[0.10]");
  BOOST_TEST(signature({.smoothing = "add-k", .smoothing_value = 2.5, .effective_order = true}) ==
             "nrefs:1|case:mixed|eff:yes|tok:13a|smooth:add-k[2.50]");
}

BOOST_AUTO_TEST_CASE(invalid_options_are_named) {
  const auto refused = [](const BleuOptions& options, const std::string& complaint) {
    BOOST_CHECK_EXCEPTION(corpus_bleu({"a"}, {"a"}, options), Error, says(complaint));
  };
  refused({.tokenizer = "zh"}, "bleu: unknown tokenizer \"zh\", expected 13a, intl, char or none");
  refused({.smoothing = "add"},
          "bleu: unknown smoothing \"add\", expected exp, floor, add-k or none");
  refused({.smoothing_value = 1}, "bleu: the smoothing exp takes no value");
  refused({.smoothing = "floor", .smoothing_value = -1},
          "bleu: the smoothing value must be finite and not negative, got -1");
}

// --- several references ---

// "a b c d" is as near to length 3 as to 5: the shorter counts, so there is no penalty.
BOOST_AUTO_TEST_CASE(of_two_equally_near_lengths_the_shorter_counts) {
  const std::vector<std::vector<std::string>> references = {{"a b c d e"}, {"a b c"}};
  const BleuScore bleu = corpus_bleu({"a b c d"}, references);
  BOOST_TEST(bleu.ref_len == 3);
  BOOST_TEST(bleu.score == 100.0, nearly);
}

BOOST_AUTO_TEST_CASE(an_ngram_may_match_as_often_as_it_occurs_in_one_reference) {
  const std::vector<std::vector<std::string>> references = {{"a b"}, {"a a"}, {"b b b"}};
  // of a a a b b b b: two a, three b
  BOOST_TEST(corpus_bleu({"a a a b b b b"}, references).counts[0] == 5);
}

BOOST_AUTO_TEST_CASE(unequal_numbers_of_references_are_refused) {
  const std::vector<std::vector<std::string>> none, uneven = {{"a"}, {"a", "b"}};
  BOOST_CHECK_EXCEPTION(corpus_bleu({"a"}, none), Error, says("corpus_bleu: no references"));
  BOOST_CHECK_EXCEPTION(corpus_bleu({"a"}, uneven), Error,
                        says("corpus_bleu: 1 hypotheses, but 2 references"));
}

// --- properties ---

BOOST_AUTO_TEST_CASE(corpus_bleu_lies_in_its_range_and_ignores_order) {
  for (std::uint64_t round = 0; round < 200; ++round) {
    const Key key = Key(1).child(round);
    const RandomCorpus corpus(key);
    for (const std::string smoothing : {"exp", "floor", "add-k", "none"}) {
      const BleuOptions options = {.smoothing = smoothing, .effective_order = round % 2 == 0};
      const double score = corpus_bleu(corpus.hypotheses, corpus.references, options).score;
      BOOST_TEST((score >= 0 && score <= 100 + 1e-9));
      const auto h = shuffled(corpus.hypotheses, key), r = shuffled(corpus.references, key);
      BOOST_TEST(corpus_bleu(h, r, options).score == score);
    }
    std::vector<std::string> identical = corpus.hypotheses;
    identical.push_back("one sentence of four");
    BOOST_TEST(corpus_bleu(identical, identical).score == 100.0, nearly);
  }
}

BOOST_AUTO_TEST_CASE(another_reference_never_takes_a_match_away) {
  for (std::uint64_t round = 0; round < 200; ++round) {
    const RandomCorpus corpus(Key(5).child(round)), more(Key(6).child(round));
    const std::vector<std::vector<std::string>> both = {corpus.references, more.references};
    const BleuScore one = corpus_bleu(corpus.hypotheses, corpus.references);
    const BleuScore two = corpus_bleu(corpus.hypotheses, both);
    for (std::size_t i = 0; i < 4; ++i) BOOST_TEST(two.counts[i] >= one.counts[i]);
    const std::vector<std::vector<std::string>> twice = {corpus.references, corpus.references};
    BOOST_TEST(corpus_bleu(corpus.hypotheses, twice).score == one.score);
  }
}

BOOST_AUTO_TEST_SUITE_END()
