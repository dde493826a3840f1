#include "data/metrics.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "autograd/error.h"
#include "autograd/random.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint::data;
using adjoint::Error;
using adjoint::Index;
using adjoint::Key;
using adjoint::testing::says;
namespace tt = boost::test_tools;

const auto nearly = tt::tolerance(1e-12);

std::string spaced(const std::string& text) {
  std::string line;
  for (const std::string& token : tokenize_13a(text)) line += (line.empty() ? "" : " ") + token;
  return line;
}

/// Up to seven tokens, each a, b or c.
Tokens random_sentence(Key key) {
  const adjoint::Tensor numbers = adjoint::random_integers({8}, 0, 3, key);
  const adjoint::Tensor length = adjoint::random_integers({}, 0, 8, key.child("length"));
  Tokens tokens;
  for (const Index i : numbers.values<Index>().first(static_cast<std::size_t>(length.item())))
    tokens.emplace_back(1, "abc"[i]);
  return tokens;
}

std::string joined(const Tokens& tokens) {
  std::string line;
  for (const std::string& token : tokens) line += (line.empty() ? "" : " ") + token;
  return line;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(metrics)

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

// Prediction A B: p1 = p2 = 1, and only the penalty exp(1 − 6/2), "about 0.14", is left (d2l).
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

// --- the 13a tokenizer: each expectation follows from its rules, named beside it ---

BOOST_AUTO_TEST_CASE(tokens_13a) {
  BOOST_TEST(spaced("Hello, world!") == "Hello , world !");
  BOOST_TEST(spaced("don't") == "don't");                   // ' is no symbol
  BOOST_TEST(spaced("1,000.5 or 3.") == "1,000.5 or 3 .");  // kept between digits only
  BOOST_TEST(spaced("1990-2000, -3 well-known") == "1990 - 2000 , -3 well-known");
  BOOST_TEST(spaced("U.S.") == "U . S .");
  BOOST_TEST(spaced("a..b ..5 a,,5") == "a . . b . .5 a , ,5");  // matches do not overlap
  BOOST_TEST(spaced("$5/kg (50%)") == "$ 5 / kg ( 50 % )");
  BOOST_TEST(spaced("x_y [z] {w} ~|") == "x _ y [ z ] { w } ~ |");
  BOOST_TEST(spaced("&quot;A&amp;B&quot; &lt;3 &amp;gt;") == "\" A & B \" < 3 >");
  BOOST_TEST(spaced("end-\nof <skipped>line\nnext") == "endof line next");
  BOOST_TEST(spaced("end-\n") == "end-");                      // white space at the end goes first
  BOOST_TEST(spaced("«Été», dit-il.") == "«Été» , dit-il .");  // only ASCII symbols stand alone
  BOOST_TEST(spaced("Salut\u202F! Ça\u00A0va\u3000?") == "Salut ! Ça va ?");
  BOOST_TEST(spaced(" \t\u2009") == "");
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

// All n-grams match, but 4 tokens stand against 5: only the penalty exp(1 − 5/4) is left.
BOOST_AUTO_TEST_CASE(corpus_bleu_punishes_brevity) {
  const BleuScore bleu = corpus_bleu({"a b c d"}, {"a b c d e"});
  BOOST_TEST(bleu.bp == std::exp(-0.25), nearly);
  BOOST_TEST(bleu.score == 100 * std::exp(-0.25), nearly);
  BOOST_TEST(corpus_bleu({"a b c d e"}, {"a b c d"}).bp == 1.0);  // length has no penalty
}

// The sentence pair of sacreBLEU's test_bleu.py, with its counts there (4 2 1 0 of 6 5 4 3). Here
// the last order is smoothed to ½/3 = 1/6, and 6 tokens stand against 8: exp(1 − 8/6).
// 4/6 · 2/5 · 1/4 · 1/6 = 1/90.
BOOST_AUTO_TEST_CASE(corpus_bleu_of_the_published_statistics) {
  const BleuScore bleu =
      corpus_bleu({"am I am a character sequence"}, {"I am a symbol string sequence a a"});
  BOOST_TEST(bleu.counts == (std::array<std::int64_t, 4>{4, 2, 1, 0}), tt::per_element());
  BOOST_TEST(bleu.totals == (std::array<std::int64_t, 4>{6, 5, 4, 3}), tt::per_element());
  BOOST_TEST(bleu.score == 100 * std::exp(-1.0 / 3) * std::pow(1.0 / 90, 0.25), nearly);
}

// There is no effective order: no hypothesis of four tokens, no 4-gram, no score.
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

BOOST_AUTO_TEST_CASE(corpus_bleu_refuses_what_does_not_pair_up) {
  BOOST_CHECK_EXCEPTION(corpus_bleu({}, {}), Error, says("corpus_bleu: there is no sentence"));
  BOOST_CHECK_EXCEPTION(corpus_bleu({"a", "b"}, {"a"}), Error,
                        says("corpus_bleu: 2 hypotheses, but 1 references"));
}

BOOST_AUTO_TEST_CASE(corpus_bleu_lies_in_its_range_and_ignores_order) {
  for (std::uint64_t round = 0; round < 200; ++round) {
    const Key key = Key(1).child(round);
    std::vector<std::string> hypotheses, references;
    for (std::uint64_t i = 0; i < 5; ++i) {
      hypotheses.push_back(joined(random_sentence(key.child(2 * i))));
      references.push_back(joined(random_sentence(key.child(2 * i + 1))));
    }
    const double score = corpus_bleu(hypotheses, references).score;
    BOOST_TEST((score >= 0 && score <= 100));
    const std::vector<std::string> h(hypotheses.rbegin(), hypotheses.rend());
    const std::vector<std::string> r(references.rbegin(), references.rend());
    BOOST_TEST(corpus_bleu(h, r).score == score);
    hypotheses.push_back("one sentence of four");
    BOOST_TEST(corpus_bleu(hypotheses, hypotheses).score == 100.0, nearly);
  }
}

// --- the small ones ---

BOOST_AUTO_TEST_CASE(accuracy_leaves_padding_out) {
  const std::vector<std::int64_t> expected = {5, 6, 7, 0, 0};
  const std::vector<std::int64_t> predicted = {5, 9, 7, 0, 4};
  BOOST_TEST(token_accuracy(predicted, expected, 0) == 2.0 / 3, nearly);
  BOOST_TEST(token_accuracy(expected, expected, -1) == 1.0);
  BOOST_CHECK_EXCEPTION(token_accuracy(predicted, std::vector<std::int64_t>{5}, 0), Error,
                        says("token_accuracy: 5 predicted ids, but 1 expected ones"));
  const std::vector<std::int64_t> padding = {0, 0};
  BOOST_CHECK_EXCEPTION(token_accuracy(padding, padding, 0), Error,
                        says("token_accuracy: no position counts"));
}

BOOST_AUTO_TEST_CASE(perplexity_counts_equal_choices) {
  BOOST_TEST(perplexity(10 * std::log(8.0), 10) == 8.0, nearly);  // 10 tokens, 8 choices for each
  BOOST_TEST(perplexity(0, 3) == 1.0);
  BOOST_TEST(perplexity(1e9, 1) == std::numeric_limits<double>::infinity());
  BOOST_CHECK_EXCEPTION(perplexity(1, 0), Error,
                        says("perplexity: the number of tokens must be at least 1, got 0"));
}

BOOST_AUTO_TEST_CASE(edit_distance_of_known_pairs) {
  // kitten → sitten → sittin → sitting
  BOOST_TEST(edit_distance({"k", "i", "t", "t", "e", "n"}, {"s", "i", "t", "t", "i", "n", "g"}) ==
             3);
  BOOST_TEST(edit_distance({}, {"a", "b"}) == 2);
  BOOST_TEST(edit_distance({"je", "suis", "là"}, {"je", "suis", "ici", "là"}) == 1);
}

BOOST_AUTO_TEST_CASE(edit_distance_is_a_metric) {
  for (std::uint64_t round = 0; round < 2000; ++round) {
    const Key key = Key(2).child(round);
    const Tokens a = random_sentence(key.child("a")), b = random_sentence(key.child("b")),
                 c = random_sentence(key.child("c"));
    const std::int64_t ab = edit_distance(a, b);
    BOOST_TEST((ab == 0) == (a == b));
    BOOST_TEST(ab == edit_distance(b, a));
    BOOST_TEST(edit_distance(a, c) <= ab + edit_distance(b, c));
    BOOST_TEST(ab <= static_cast<std::int64_t>(std::max(a.size(), b.size())));
  }
}

BOOST_AUTO_TEST_SUITE_END()
