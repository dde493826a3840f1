#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <limits>
#include <string>
#include <vector>

#include "autograd/random.h"
#include "autograd/support/error.h"
#include "data/metrics.h"
#include "data/text/unicode.h"
#include "tests/data/support.h"

// Gives every metric texts of any kind: scores stay in range, and identical texts score perfectly.

namespace {

using namespace std::string_view_literals;

using namespace adjoint::data;
using adjoint::Error;
using adjoint::Index;
using adjoint::Key;
namespace tt = boost::test_tools;

const auto nearly = tt::tolerance(1e-9);

Index draw(Index end, Key key) {
  return static_cast<Index>(adjoint::random_integers({}, 0, end, key).item());
}

/// A code point: one that some rule treats specially, or any other.
char32_t draw_code_point(Key key) {
  constexpr std::u32string_view special =
      U"  \t\n\r\v\0'\"&;.,-!?()<>12aAbσΣς\u0130\u00DF\u00A0\u0085\u2028\u3000\u200B\u200D\uFEFF"
      U"\u0301\u202E\uFFFD\uFFFF\U0001F600\U0010FFFF\u0660\u00BD\u4E2D\u0E01"sv;
  if (draw(4, key.child("special")) > 0)
    return special[static_cast<std::size_t>(draw(std::ssize(special), key))];
  const auto c = static_cast<char32_t>(draw(0x110000, key));
  return c >= 0xD800 && c < 0xE000 ? U'x' : c;
}

std::string draw_text(Key key) {
  std::u32string text;
  const Index length = draw(30, key.child("length"));
  for (Index i = 0; i < length; ++i)
    text += draw_code_point(key.child(static_cast<std::uint64_t>(i)));
  const std::string entity = draw(5, key) == 0 ? "&quot;<skipped>-\n" : "";
  return entity + utf8(text);
}

/// Runs every metric that compares texts, with varied options. None may throw. Scores lie within
/// [0, 100]; error rates are at least 0.
struct Scores {
  Scores(const std::vector<std::string>& hypotheses, const ReferenceSets& references) {
    for (const char* tokenizer : {"13a", "intl", "char", "none"})
      for (const bool lowercase : {false, true})
        quality.push_back(
            corpus_bleu(hypotheses, references,
                        {.tokenizer = tokenizer, .effective_order = true, .lowercase = lowercase})
                .score);
    for (const std::int64_t word_order : {0, 2})
      for (const bool whitespace : {false, true})
        quality.push_back(
            corpus_chrf(hypotheses, references,
                        {.word_order = word_order, .lowercase = true, .whitespace = whitespace})
                .score);
    for (const bool normalize : {false, true})
      errors.push_back(corpus_ter(hypotheses, references,
                                  {.normalize = normalize, .remove_punctuation = normalize})
                           .score);
  }
  std::vector<double> quality, errors;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(any_text)

BOOST_AUTO_TEST_CASE(scores_of_any_unicode_are_in_range) {
  for (std::uint64_t round = 0; round < 400; ++round) {
    const Key key = Key(11).child(round);
    std::vector<std::string> h, r;
    for (std::uint64_t i = 0; i < 3; ++i) {
      h.push_back(draw_text(key.child("h").child(i)));
      r.push_back(draw_text(key.child("r").child(i)));
    }
    const Scores scores(h, {std::vector{r, h}});
    for (const double score : scores.quality) BOOST_TEST((score >= 0 && score <= 100 + 1e-9));
    for (const double score : scores.errors) BOOST_TEST((score >= 0 && score < 1e9));
  }
}

BOOST_AUTO_TEST_CASE(a_text_compared_with_itself_is_perfect) {
  for (std::uint64_t round = 0; round < 400; ++round) {
    const std::string text = draw_text(Key(12).child(round));
    // Two words that no tokenizer changes: a text without n-grams scores 0, even if it is perfect.
    const std::string whole = "alpha " + text + " omega";
    const Scores scores({whole}, {whole});
    for (const double score : scores.quality) BOOST_TEST(score == 100.0, nearly);
    for (const double score : scores.errors) BOOST_TEST(score == 0.0);
    BOOST_TEST(bleu(whole, whole, 4) == 1.0, nearly);
    for (const auto tokenize : {tokenize_13a, tokenize_intl, tokenize_char, tokenize_none}) {
      const Tokens tokens = tokenize(text);
      BOOST_TEST(std::ranges::none_of(tokens, &std::string::empty));
      BOOST_TEST(word_error_rate({tokens}, {tokens}).errors == 0);
      BOOST_TEST(position_independent_error_rate({tokens}, {tokens}).errors == 0);
    }
  }
}

BOOST_AUTO_TEST_CASE(edits_are_the_same_in_both_directions) {
  for (std::uint64_t round = 0; round < 200; ++round) {
    const Key key = Key(13).child(round);
    const Tokens a = tokenize_char(draw_text(key.child("a"))),
                 b = tokenize_char(draw_text(key.child("b")));
    BOOST_TEST(edit_distance(a, b) == edit_distance(b, a));
    BOOST_TEST(position_independent_error_rate({a}, {b}).errors ==
               position_independent_error_rate({b}, {a}).errors);
  }
}

// Arbitrary bytes: text that is not UTF-8 is an Error; nothing else may happen.
BOOST_AUTO_TEST_CASE(bytes_that_are_no_text_are_an_error) {
  Index refused = 0;
  for (std::uint64_t round = 0; round < 400; ++round) {
    const Key key = Key(14).child(round);
    std::string bytes = draw_text(key);
    const Index at = draw(std::ssize(bytes) + 1, key.child("at"));
    bytes.insert(static_cast<std::size_t>(at), 1, static_cast<char>(draw(256, key.child("byte"))));
    try {
      Scores({bytes}, {bytes});
      BOOST_TEST(!invalid_utf8_at(bytes));
    } catch (const Error&) {
      BOOST_TEST(invalid_utf8_at(bytes).has_value());
      ++refused;
    }
  }
  BOOST_TEST(refused > 100);
}

// A line of 10,000 words: time and memory stay small (data/metrics/README.md has the figures).
BOOST_AUTO_TEST_CASE(long_lines_have_their_score) {
  constexpr int words = 10000;
  std::string forward, backward, alternating, ones, entities;
  for (int i = 0; i < words; ++i) {
    forward += "w" + std::to_string(i) + " ";
    backward += "w" + std::to_string(words - 1 - i) + " ";
    alternating += i % 2 == 0 ? "a " : "b ";
    ones += "a ";
    entities += "&quot;";
  }
  // In the reversed line one word may stay in place, and moves swap others around it.
  const TerScore reversed = corpus_ter({forward}, {backward});
  BOOST_TEST((reversed.edits > words - 60 && reversed.edits <= words));
  BOOST_TEST(corpus_ter({ones}, {alternating}).edits == words / 2);
  BOOST_TEST(corpus_ter({entities}, {entities}, {.normalize = true}).edits == 0);
  BOOST_TEST(word_error_rate({tokenize_none(ones)}, {tokenize_none(alternating)}).rate == 50.0);
  BOOST_TEST(word_error_rate({tokenize_none(forward)}, {tokenize_none(backward)}).rate > 99.0);
  BOOST_TEST(corpus_chrf({forward}, {forward}).score == 100.0, nearly);
  BOOST_TEST(corpus_bleu({entities}, {entities}).score == 100.0, nearly);
  BOOST_TEST(bleu(ones, ones, 60) == 1.0, nearly);
  BOOST_TEST(bleu(ones, alternating, words) == 0.0);
}

BOOST_AUTO_TEST_CASE(options_out_of_range_are_refused) {
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  BOOST_CHECK_THROW(corpus_chrf({"a"}, {"a"}, {.char_order = 101}), Error);
  BOOST_CHECK_THROW(corpus_chrf({"a"}, {"a"}, {.char_order = most, .word_order = most}), Error);
  BOOST_CHECK_THROW(corpus_chrf({"a"}, {"a"}, {.word_order = -1}), Error);
  BOOST_TEST(corpus_chrf({"abcdef"}, {"abcdef"}, {.beta = most}).score == 100.0, nearly);
  const double infinity = std::numeric_limits<double>::infinity();
  BOOST_CHECK_THROW(corpus_bleu({"a"}, {"a"}, {.smoothing = "floor", .smoothing_value = infinity}),
                    Error);
  BOOST_TEST(bleu("a", "a", most) == 1.0);
}

BOOST_AUTO_TEST_SUITE_END()
