#include "data/text/tokenizer.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "autograd/random.h"
#include "autograd/support/error.h"
#include "data/text/unicode.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint::data;
using adjoint::Error;
using adjoint::Index;
using adjoint::Key;
using adjoint::testing::says;
namespace tt = boost::test_tools;

const Tokenizer words = {.kind = Tokenizer::Kind::words};
const Tokenizer blanks = {.kind = Tokenizer::Kind::blanks};
const Tokenizer characters = {.kind = Tokenizer::Kind::characters};

/// Random text that is hard to tokenize: marks, all kinds of spaces, letters that compose or change
/// their length, combining marks, characters beyond 16 bits.
std::string random_text(Key key) {
  static const std::vector<std::string> pieces = {
      "a",      "B",      "é",      "É",  "e\u0301", "E\u0301", "\u0301", "ß",      "ẞ",  "İ",
      "I",      "\u0307", "\u212B", "ﬁ",  "Σ",       "ς",       "Œ",      "Ω",      "各", "😀",
      "\u1100", "\u1161", "\u0345", "ᾼ",  "1",       "-",       "'",      "’",      "«",  "<eos>",
      ",",      ".",      "!",      "?",  " ",       " ",       "  ",     "\u00A0", ";",  "\u202F",
      "\uFEFF", "\u200B", "\t",     "\n", "\u2009",  "..",      "\u0338", "\u3000", "ǅ",  "Ⅷ"};
  const adjoint::Tensor length = adjoint::random_integers({}, 0, 20, key.child("length"));
  const auto choices = adjoint::random_integers({static_cast<Index>(length.item())}, 0,
                                                static_cast<Index>(pieces.size()), key);
  std::string text;
  for (const Index choice : choices.values<Index>())
    text += pieces[static_cast<std::size_t>(choice)];
  return text;
}

std::string joined(const Tokens& tokens) {
  std::string text;
  for (const std::string& token : tokens) text += token + " ";
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tokenizer)

BOOST_AUTO_TEST_CASE(byte_order_marks_are_dropped_wherever_they_stand) {
  for (const Tokenizer& tokenizer : {words, blanks, characters}) {
    for (const char* text :
         {"\uFEFFe\u0301t\u00E9 a", " \uFEFF\u00E9t\uFEFFe\uFEFF\u0301\uFEFF a\uFEFF"}) {
      const std::string line = tokenizer.detokenize(tokenizer.tokenize(text));
      BOOST_TEST((line == "\u00E9t\u00E9 a" || line == " \u00E9t\u00E9 a"));
    }
    BOOST_TEST(tokenizer.tokenize("\uFEFF\uFEFF").empty());
  }
}

// The examples printed in the d2l chapter: Go., Va !, Run!, Cours\u202f!
BOOST_AUTO_TEST_CASE(words_match_the_book) {
  BOOST_TEST(words.tokenize("Go.") == (Tokens{"go", "."}), tt::per_element());
  BOOST_TEST(words.tokenize("Va !") == (Tokens{"va", "!"}), tt::per_element());
  BOOST_TEST(words.tokenize("Run!") == (Tokens{"run", "!"}), tt::per_element());
  BOOST_TEST(words.tokenize("Cours\u202F!") == (Tokens{"cours", "!"}), tt::per_element());
  BOOST_TEST(words.tokenize("Ça\u00A0va?") == (Tokens{"ça", "va", "?"}), tt::per_element());
}

BOOST_AUTO_TEST_CASE(blanks_cuts_at_white_space_only) {
  BOOST_TEST(blanks.tokenize(" Don't go,\u00A0\tNASA  AH0 !\u202F?") ==
                 (Tokens{"Don't", "go,", "NASA", "AH0", "!", "?"}),
             tt::per_element());
  BOOST_TEST(blanks.tokenize("e\u0301") == Tokens{"\u00E9"}, tt::per_element());
  BOOST_TEST(blanks.detokenize({"Go", ",", "NASA", "!"}, Spacing::french) == "Go , NASA !");
  BOOST_TEST(blanks.tokenize(" \u3000").empty());
}

BOOST_AUTO_TEST_CASE(a_space_is_put_before_marks_only) {
  BOOST_TEST(words.tokenize("Don't go, it costs 3.5!") ==
                 (Tokens{"don't", "go", ",", "it", "costs", "3", ".5", "!"}),
             tt::per_element());
  BOOST_TEST(words.tokenize("Well... what?!") == (Tokens{"well", ".", ".", ".", "what", "?", "!"}),
             tt::per_element());
  BOOST_TEST(words.tokenize(".x") == (Tokens{".x"}), tt::per_element());
}

BOOST_AUTO_TEST_CASE(empty_tokens_are_dropped) {
  BOOST_TEST(words.tokenize("  a   b\t\r\nc ") == (Tokens{"a", "b", "c"}), tt::per_element());
  BOOST_TEST(words.tokenize("").empty());
  BOOST_TEST(words.tokenize(" \u00A0\u202F\t").empty());
}

BOOST_AUTO_TEST_CASE(case_is_mapped_and_not_folded) {
  BOOST_TEST(
      words.tokenize("Straße STRASSE ŒUVRE ÉTÉ") == (Tokens{"straße", "strasse", "œuvre", "été"}),
      tt::per_element());
}

BOOST_AUTO_TEST_CASE(composed_and_decomposed_letters_are_the_same_word) {
  BOOST_TEST(words.tokenize("E\u0301te\u0301") == words.tokenize("Été"), tt::per_element());
  BOOST_TEST(words.tokenize("I\u0307") == words.tokenize("İ"), tt::per_element());
  BOOST_TEST(characters.tokenize("e\u0301") == (Tokens{"é"}), tt::per_element());
}

BOOST_AUTO_TEST_CASE(characters_are_code_points_and_spaces_are_visible) {
  BOOST_TEST(characters.tokenize("Né à 😀!") == (Tokens{"N", "é", "␣", "à", "␣", "😀", "!"}),
             tt::per_element());
  BOOST_TEST(characters.tokenize("a\tb\u202F!") == (Tokens{"a", "␣", "b", "\u202F", "!"}),
             tt::per_element());
  BOOST_TEST(characters.tokenize("").empty());
}

BOOST_AUTO_TEST_CASE(words_are_joined_as_text) {
  const Tokens tokens = {"oui", ",", "ça", "va", ".", "et", "toi", "?", "!"};
  BOOST_TEST(words.detokenize(tokens) == "oui, ça va. et toi?!");
  BOOST_TEST(words.detokenize(tokens, Spacing::french) == "oui, ça va. et toi\u202F?!");
  BOOST_TEST(words.detokenize({"3", ".5"}) == "3.5");
  BOOST_TEST(words.detokenize({"!", "a"}, Spacing::french) == "! a");
  BOOST_TEST(words.detokenize({}) == "");
}

BOOST_AUTO_TEST_CASE(characters_are_joined_as_text) {
  BOOST_TEST(characters.detokenize({"Ç", "a", "␣", "v", "a"}) == "Ça va");
  BOOST_TEST(characters.detokenize({"o", "ù", "?"}, Spacing::french) == "où?");
}

BOOST_AUTO_TEST_CASE(tokenizing_again_changes_nothing) {
  for (std::uint64_t round = 0; round < 5000; ++round) {
    const std::string text = random_text(Key(1).child(round));
    const Tokens tokens = words.tokenize(text);
    BOOST_TEST_REQUIRE(words.tokenize(joined(tokens)) == tokens, tt::per_element());
    for (const std::string& token : tokens) BOOST_TEST_REQUIRE(!token.empty());
  }
}

BOOST_AUTO_TEST_CASE(joined_tokens_give_the_tokens_back) {
  for (std::uint64_t round = 0; round < 5000; ++round) {
    const std::string text = random_text(Key(2).child(round));
    for (const Tokenizer& tokenizer : {words, blanks, characters}) {
      const Tokens tokens = tokenizer.tokenize(text);
      for (const Spacing spacing : {Spacing::english, Spacing::french}) {
        BOOST_TEST_REQUIRE(tokenizer.tokenize(tokenizer.detokenize(tokens, spacing)) == tokens,
                           tt::per_element());
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(names_round_trip) {
  for (const Tokenizer& tokenizer : {words, blanks, characters}) {
    BOOST_TEST((Tokenizer::from_name(tokenizer.name()) == tokenizer));
  }
  BOOST_TEST(words.name() == "words");
  BOOST_TEST(blanks.name() == "blanks");
  BOOST_TEST(characters.name() == "characters");
  BOOST_CHECK_EXCEPTION(
      Tokenizer::from_name("bytes"), Error,
      says("tokenizer: unknown name \"bytes\", expected \"words\", \"blanks\", \"characters\" or "
           "\"sentencepiece\""));
  BOOST_CHECK_EXCEPTION(Tokenizer::from_name("words", "a.model"), Error,
                        says("tokenizer: words takes no model, got a.model"));
}

BOOST_AUTO_TEST_CASE(bytes_that_are_not_utf8_are_named) {
  const auto offset = [](std::string_view text) { return invalid_utf8_at(text).value_or(99); };
  BOOST_TEST(!invalid_utf8_at("aé各😀"));
  BOOST_TEST(!invalid_utf8_at(""));
  BOOST_TEST(offset("ab\xFF") == 2u);
  BOOST_TEST(offset("é\x80") == 2u);             // a continuation byte alone
  BOOST_TEST(offset("a\xC3") == 1u);             // cut off
  BOOST_TEST(offset("a\xC0\xAF") == 1u);         // overlong
  BOOST_TEST(offset("\xED\xA0\x80") == 0u);      // a surrogate
  BOOST_TEST(offset("\xF4\x90\x80\x80") == 0u);  // beyond U+10FFFF
  for (const Tokenizer& tokenizer : {words, blanks, characters}) {
    BOOST_CHECK_EXCEPTION(tokenizer.tokenize("ab\xFF"), Error,
                          says("tokenizer: the text is not UTF-8 at byte offset 2"));
  }
}

BOOST_AUTO_TEST_SUITE_END()
