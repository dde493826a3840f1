// Text as code points, and their Unicode properties. Only unicode.cpp uses libutf8proc.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace adjoint::data {

/// The offset of the first byte that is not well-formed UTF-8 (no overlong forms, surrogates or
/// values past U+10FFFF: Unicode 15, section 3.9, table 3-7), if there is one.
std::optional<std::size_t> invalid_utf8_at(std::string_view text);

/// The code points of the text. Error, with the byte offset, if it is not UTF-8.
std::u32string code_points(std::string_view text);

/// Code points as bytes. Error for a value that is not a code point.
std::string utf8(char32_t code_point);
std::string utf8(std::u32string_view code_points);

/// The text in Unicode's composed form (NFC), where é is one code point. Error if it is not UTF-8.
std::string compose(std::string_view text);

/// The lower case of a single code point, always one code point.
char32_t lower_case(char32_t c);

/// The lower case of a text, as in Python's str.lower(): İ becomes i and a dot above, and Σ at the
/// end of a word becomes ς. Error if the text is not UTF-8.
std::string lower_case(std::string_view text);

/// What Python's str.split() splits at.
bool is_white_space(char32_t c);

/// White space, control characters (Cc) and format characters (Cf), such as the zero width space
/// U+200B and the byte order mark U+FEFF.
bool is_invisible(char32_t c);

/// How many columns of a terminal the text takes: 2 for a character of Chinese or Japanese, none
/// for an accent of its own. Error if it is not UTF-8.
std::size_t columns(std::string_view text);

bool is_number(char32_t c);       ///< general category N
bool is_punctuation(char32_t c);  ///< general category P
bool is_symbol(char32_t c);       ///< general category S

}  // namespace adjoint::data
