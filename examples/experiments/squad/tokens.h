// Text as the span model reads it: words and signs, each with its place.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "examples/experiments/squad/dataset.h"

namespace adjoint::squad {

/// Letters, marks, digits and the underscore.
bool is_of_a_word(char32_t c);

/// A word in lower case, or a single other character that can be seen.
struct Token {
  std::string text;
  Index begin = 0, end = 0;  ///< of the text it comes from, in code points

  bool operator==(const Token&) const = default;
};
/// Error, with the byte offset, if the text is not UTF-8.
std::vector<Token> tokens_of(std::string_view text);

/// The first and the last token that share a character with an answer. They can be longer than the
/// answer: "1990s" for "1990". Both are −1 for an answer of white space.
struct TokenSpan {
  Index first = -1, last = -1;

  bool operator==(const TokenSpan&) const = default;
};
TokenSpan tokens_in(const std::vector<Token>& passage, const Answer& answer);

}  // namespace adjoint::squad
