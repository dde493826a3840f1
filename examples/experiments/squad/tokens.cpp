#include "examples/experiments/squad/tokens.h"

#include "data/text/unicode.h"

namespace adjoint::squad {

bool is_of_a_word(char32_t c) {
  using namespace data;
  return c == U'_' || !(is_white_space(c) || is_invisible(c) || is_punctuation(c) || is_symbol(c));
}

std::vector<Token> tokens_of(std::string_view text) {
  const std::u32string characters = data::code_points(text);
  std::vector<Token> tokens;
  for (std::size_t begin = 0, end = 0; begin < characters.size(); begin = end) {
    end = begin + 1;
    if (is_of_a_word(characters[begin]))
      while (end < characters.size() && is_of_a_word(characters[end])) ++end;
    else if (data::is_invisible(characters[begin]))
      continue;
    const auto word = std::u32string_view(characters).substr(begin, end - begin);
    tokens.push_back(
        {data::lower_case(data::utf8(word)), static_cast<Index>(begin), static_cast<Index>(end)});
  }
  return tokens;
}

TokenSpan tokens_in(const std::vector<Token>& passage, const Answer& answer) {
  const Index end = answer.start + std::ssize(data::code_points(answer.text));
  TokenSpan span;
  for (Index i = 0; i < std::ssize(passage); ++i) {
    const Token& token = passage[static_cast<std::size_t>(i)];
    if (token.end <= answer.start || token.begin >= end) continue;
    if (span.first < 0) span.first = i;
    span.last = i;
  }
  return span;
}

}  // namespace adjoint::squad
