// Text as code points, and what Unicode says of them. The one place that talks to libutf8proc.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace adjoint::data {

/// Offset of the first byte that is not part of well-formed UTF-8 (no overlong forms, surrogates or
/// values past U+10FFFF: Unicode 15, section 3.9, table 3-7), or nothing if all is well.
std::optional<std::size_t> invalid_utf8_at(std::string_view text);

/// The code points of the text. Error, with the byte offset, if it is not UTF-8.
std::u32string code_points(std::string_view text);

/// The bytes of a code point or several. Error for what is no code point.
std::string utf8(char32_t code_point);
std::string utf8(std::u32string_view code_points);

/// The text in Unicode's composed form (NFC), in which é is one code point. Error if the text is
/// not UTF-8.
std::string compose(std::string_view text);

/// The lower case of a code point by itself: one code point.
char32_t lower_case(char32_t c);

/// The lower case of a text as Python's str.lower() has it: İ becomes two code points, i and a dot
/// above, and a Σ at the end of a word becomes ς. Error if the text is not UTF-8.
std::string lower_case(std::string_view text);

/// What Python's str.split() cuts at.
bool is_white_space(char32_t c);

bool is_number(char32_t c);       ///< general category N
bool is_punctuation(char32_t c);  ///< general category P
bool is_symbol(char32_t c);       ///< general category S

}  // namespace adjoint::data
