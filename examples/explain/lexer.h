// Text to tokens.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "examples/explain/syntax.h"

namespace adjoint::expression {

struct Token {
  enum class Kind { number, name, symbol, end };
  Kind kind;
  Place place;
  std::string text;   ///< of a name or a symbol; − · ÷ ′ ≤ have become - * / ' <=
  double number = 0;  ///< of a number
};

/// How many characters a text may have.
constexpr std::size_t most_characters = 1'000'000;

/// The tokens of a text in UTF-8, and one for its end. White space separates tokens; # begins a
/// comment, up to the end of the line. Problem where there is no token: bytes that are not UTF-8, a
/// character of no token, a number that f64 cannot hold, a text that is too long.
std::vector<Token> tokens_of(std::string_view text, std::size_t number_of_text = 0);

}  // namespace adjoint::expression
