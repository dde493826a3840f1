#include "data/metrics/metric_text.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "autograd/support/error.h"
#include "tests/autograd/support.h"
#include "tests/data/support.h"

namespace {

using namespace adjoint::data;
using adjoint::Error;
using adjoint::testing::says;
using adjoint::testing::spaced;

std::string cut(const std::string& text) { return spaced(tokenize_13a(text)); }

}  // namespace

BOOST_AUTO_TEST_SUITE(metric_tokens)

// Each expectation follows from the rule named beside it.
BOOST_AUTO_TEST_CASE(tokens_13a) {
  BOOST_TEST(cut("Hello, world!") == "Hello , world !");
  BOOST_TEST(cut("don't") == "don't");                   // ' is no symbol
  BOOST_TEST(cut("1,000.5 or 3.") == "1,000.5 or 3 .");  // kept between digits only
  BOOST_TEST(cut("1990-2000, -3 well-known") == "1990 - 2000 , -3 well-known");
  BOOST_TEST(cut("U.S.") == "U . S .");
  BOOST_TEST(cut("a..b ..5 a,,5") == "a . . b . .5 a , ,5");  // matches do not overlap
  BOOST_TEST(cut("$5/kg (50%)") == "$ 5 / kg ( 50 % )");
  BOOST_TEST(cut("x_y [z] {w} ~|") == "x _ y [ z ] { w } ~ |");
  BOOST_TEST(cut("&quot;A&amp;B&quot; &lt;3 &amp;gt;") == "\" A & B \" < 3 >");
  BOOST_TEST(cut("end-\nof <skipped>line\nnext") == "endof line next");
  BOOST_TEST(cut("end-\n") == "end-");                      // white space at the end goes first
  BOOST_TEST(cut("«Été», dit-il.") == "«Été» , dit-il .");  // only ASCII symbols stand alone
  BOOST_TEST(cut("Salut\u202F! Ça\u00A0va\u3000?") == "Salut ! Ça va ?");
  BOOST_TEST(cut(" \t\u2009") == "");
}

// The rules of mteval-v14.pl: a mark is split off from anything but a number, a symbol always.
BOOST_AUTO_TEST_CASE(tokens_intl) {
  const auto intl = [](const std::string& text) { return spaced(tokenize_intl(text)); };
  BOOST_TEST(intl("Hello, world!") == "Hello , world !");
  BOOST_TEST(intl("don't") == "don ' t");  // every mark, not only some
  BOOST_TEST(intl("«Été», dit-il.") == "« Été » , dit - il .");
  BOOST_TEST(intl("1,000.5 §") == "1,000.5 §");  // between numbers it stays
  BOOST_TEST(intl("в 2017.") == "в 2017.");      // and beside one at the end of the text
  BOOST_TEST(intl("(5)") == "(5)");
  BOOST_TEST(intl("5½, ٣٫٥") == "5½ , ٣٫٥");    // numbers of every script
  BOOST_TEST(intl("3+4=7€") == "3 + 4 = 7 €");  // symbols: mathematics, currencies
  BOOST_TEST(intl("... a..b") == ". . . a . . b");
  BOOST_TEST(intl("&quot;") == "& quot ;");  // entities are left alone
  BOOST_TEST(intl("你好，世界。") == "你好 ， 世界 。");
  BOOST_TEST(intl("va\u202F!\n") == "va !");
}

BOOST_AUTO_TEST_CASE(tokens_char_and_none) {
  BOOST_TEST(spaced(tokenize_char("Né à\u00A0😀!")) == "N é à 😀 !");
  BOOST_TEST(spaced(tokenize_none(" It wasn't\t(very)\u202Fsurprising. ")) ==
             "It wasn't (very) surprising.");
  BOOST_TEST(tokenize_char(" ").empty());
  BOOST_TEST(tokenize_none("").empty());
}

// The pairs of sacreBLEU's test/test_tokenizer_ter.py, except those for Asian scripts.
BOOST_AUTO_TEST_CASE(published_tokens_of_tercom) {
  const auto tercom = [](const std::string& text, const TercomOptions& options = {}) {
    return spaced(tokenize_tercom(text, options));
  };
  BOOST_TEST(tercom("a b c d") == "a b c d");
  BOOST_TEST(tercom("") == "");
  BOOST_TEST(tercom("a b c d.") == "a b c d.");
  BOOST_TEST(tercom("A B C D.") == "a b c d.");
  BOOST_TEST(tercom("a b c d.", {.remove_punctuation = true}) == "a b c d");
  BOOST_TEST(tercom("A ; B ) C : D.", {.remove_punctuation = true}) == "a b c d");
  BOOST_TEST(tercom("a b (c) d.", {.normalize = true}) == "a b ( c ) d .");
  BOOST_TEST(tercom("Jim's car.", {.normalize = true}) == "jim 's car .");
  BOOST_TEST(tercom("4.2", {.normalize = true}) == "4.2");
}

BOOST_AUTO_TEST_CASE(tokens_of_tercom) {
  BOOST_TEST(spaced(tokenize_tercom("Sehr GUT", {.case_sensitive = true})) == "Sehr GUT");
  BOOST_TEST(spaced(tokenize_tercom("a &lt;b&gt;", {.normalize = true})) == "a < b >");
}

BOOST_AUTO_TEST_CASE(text_that_is_not_utf8_is_named) {
  for (const auto tokenize : {tokenize_13a, tokenize_intl, tokenize_char, tokenize_none}) {
    BOOST_CHECK_EXCEPTION(tokenize("ab\xFF"), Error,
                          says("the text is not UTF-8 at byte offset 2"));
  }
  BOOST_CHECK_EXCEPTION(tokenize_tercom("ab\xFF"), Error,
                        says("the text is not UTF-8 at byte offset 2"));
}

BOOST_AUTO_TEST_SUITE_END()
