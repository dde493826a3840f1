#include "data/text/unicode.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "autograd/support/error.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint::data;
using adjoint::Error;
using adjoint::testing::says;

}  // namespace

BOOST_AUTO_TEST_SUITE(unicode)

BOOST_AUTO_TEST_CASE(code_points_come_back_as_the_same_bytes) {
  const std::string text = "aé各😀\u202F";
  BOOST_TEST(code_points(text).size() == 5u);
  BOOST_TEST(utf8(code_points(text)) == text);
  BOOST_TEST(utf8(U'各') == "各");
  BOOST_TEST(utf8(U'\0') == std::string(1, '\0'));
  BOOST_CHECK_EXCEPTION(code_points("a\xC3"), Error,
                        says("the text is not UTF-8 at byte offset 1"));
  BOOST_CHECK_EXCEPTION(utf8(char32_t{0x110000}), Error, says("utf8: 1114112 is not a code point"));
}

BOOST_AUTO_TEST_CASE(letters_are_composed) {
  BOOST_TEST(compose("e\u0301") == "é");
  BOOST_TEST(compose("\u212B") == "Å");
  BOOST_TEST(compose("").empty());
}

// As in Python's str.lower(), including Unicode's examples for Final_Sigma.
BOOST_AUTO_TEST_CASE(lower_case_matches_python) {
  BOOST_TEST(lower_case("ÉTÉ Straße Œ") == "été straße œ");
  BOOST_TEST(lower_case("İstanbul") == "i\u0307stanbul");
  BOOST_TEST(lower_case("ΟΔΟΣ ΣΑΣ") == "οδος σας");
  BOOST_TEST(lower_case("Σ") == "σ");                  // no word before it
  BOOST_TEST(lower_case("ΑΣ' Α'Σ.Α") == "ας' α'σ.α");  // ' and . within a word
  BOOST_TEST(lower_case("ΑΣ. Α\u0301Σ") == "ας. α\u0301ς");
}

BOOST_AUTO_TEST_CASE(a_text_takes_columns_of_a_terminal) {
  BOOST_TEST(columns("") == 0U);
  BOOST_TEST(columns("été ␣!") == 6U);
  BOOST_TEST(columns("我在学习。") == 10U);
  BOOST_TEST(columns("e\u0301") == 1U);
  BOOST_TEST(columns("カ한😀") == 6U);
}

BOOST_AUTO_TEST_CASE(code_points_have_their_categories) {
  for (const char32_t c : U"\t\n \u0085\u00A0\u1680\u2000\u200A\u2028\u2029\u202F\u205F\u3000\x1F")
    BOOST_TEST((c == U'\0' || is_white_space(c)), static_cast<std::uint32_t>(c));
  for (const char32_t c : {U'a', U'\u200B', U'\uFEFF', U'\u180E', U'\u2423', U'\0'})
    BOOST_TEST(!is_white_space(c), static_cast<std::uint32_t>(c));
  for (const char32_t c : {U' ', U'\u3000', U'\u200B', U'\uFEFF', U'\u2060', U'\u00AD', U'\u0085'})
    BOOST_TEST(is_invisible(c), static_cast<std::uint32_t>(c));
  for (const char32_t c : {U'a', U'.', U'\u0301', U'\u2423', U'\uFFFD'})
    BOOST_TEST(!is_invisible(c), static_cast<std::uint32_t>(c));
  BOOST_TEST((is_number(U'5') && is_number(U'½') && is_number(U'Ⅷ') && is_number(U'٣')));
  BOOST_TEST((is_punctuation(U'¿') && is_punctuation(U'_') && is_punctuation(U'。')));
  BOOST_TEST((is_symbol(U'+') && is_symbol(U'€') && is_symbol(U'^') && is_symbol(U'😀')));
  BOOST_TEST((!is_symbol(U'!') && !is_punctuation(U'$') && !is_number(U'x')));
}

BOOST_AUTO_TEST_SUITE_END()
