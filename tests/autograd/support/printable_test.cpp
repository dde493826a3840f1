#include "autograd/support/printable.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "data/text/unicode.h"

namespace {

using adjoint::printable;
using adjoint::printable_line;

// The definition, applied to each code point.
bool would_be_obeyed(char32_t c) {
  if (c == U'\t' || c == U'\n') return false;
  return c <= 0x1F || c == 0x7F || (c >= 0x80 && c <= 0x9F) || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(printable_text)

BOOST_AUTO_TEST_CASE(what_a_terminal_would_obey_is_shown_as_an_escape) {
  BOOST_TEST(printable("\x1b]0;title\a") == "\\u001b]0;title\\u0007");
  BOOST_TEST(printable("a\u009b31mb") == "a\\u009b31mb");
  BOOST_TEST(printable("abc\u202Edcb") == "abc\\u202edcb");
  BOOST_TEST(printable("\x7f\r") == "\\u007f\\r");
  BOOST_TEST(printable(std::string("a\0b", 3)) == "a\\u0000b");
}

BOOST_AUTO_TEST_CASE(every_code_point_is_shown_as_it_is_or_escaped) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    const std::string text = adjoint::data::utf8(c);
    const bool same = printable(text) == text;
    if (same == would_be_obeyed(c)) BOOST_TEST_REQUIRE(false, "wrong for " << std::uint32_t(c));
  }
}

BOOST_AUTO_TEST_CASE(bytes_that_are_not_utf8_are_shown_in_hexadecimal) {
  BOOST_TEST(printable("a\xff"
                       "b") == "a\\xffb");
  BOOST_TEST(printable("\xc3") == "\\xc3");                             // cut off
  BOOST_TEST(printable("\xc0\x9b") == "\\xc0\\x9b");                    // overlong
  BOOST_TEST(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");           // a surrogate
  BOOST_TEST(printable("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // beyond U+10FFFF
  BOOST_TEST(printable("\x9b"
                       "31m") == "\\x9b31m");  // a control character in Latin-1
}

BOOST_AUTO_TEST_CASE(text_of_any_language_stays) {
  const std::string text = "Où ? 你好 שלום مرحبا 🙂 é\tx\ny";
  BOOST_TEST(printable(text) == text);
  BOOST_TEST(printable_line(text) == "Où ? 你好 שלום مرحبا 🙂 é\\tx\\ny");
}

BOOST_AUTO_TEST_CASE(a_long_text_is_cut_after_a_whole_character) {
  BOOST_TEST(printable("éééé", 4) == "éééé");
  BOOST_TEST(printable("ééééé", 4) == "éééé…");
  BOOST_TEST(printable("\x1b\x1b\x1b", 12) == "\\u001b\\u001b…");
  BOOST_TEST(printable(std::string(100'000, 'x')) == std::string(80, 'x').append("…"));
  BOOST_TEST(printable(std::string(1000, 'x'), 0).size() == 1000);
}

BOOST_AUTO_TEST_SUITE_END()
