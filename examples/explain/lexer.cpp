#include "examples/explain/lexer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "autograd/support/printable.h"
#include "data/text/unicode.h"
#include "examples/explain/advice.h"

namespace adjoint::expression {
namespace {

bool is_digit(char32_t c) { return c >= '0' && c <= '9'; }

bool is_superscript(char32_t c) {
  return c == U'²' || c == U'³' || c == U'¹' || (c >= U'⁰' && c <= U'⁹');
}

// Any letter of any script, with its accents, may stand in a name.
bool begins_name(char32_t c) {
  if (c < 0x80) return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return !data::is_white_space(c) && !data::is_invisible(c) && !data::is_number(c) &&
         !data::is_punctuation(c) && !data::is_symbol(c);
}
bool continues_name(char32_t c) {
  return begins_name(c) || is_digit(c) || (c >= 0x80 && data::is_number(c) && !is_superscript(c));
}

// What slides and word processors write for some symbols.
struct Typeset {
  char32_t character;
  std::u32string_view plain;
};
constexpr Typeset typeset[] = {{U'−', U"-"}, {U'–', U"-"},  {U'·', U"*"},  {U'⋅', U"*"},
                               {U'×', U"*"}, {U'∗', U"*"},  {U'÷', U"/"},  {U'′', U"'"},
                               {U'’', U"'"}, {U'≤', U"<="}, {U'≥', U">="}, {U'≠', U"!="}};

// One that cannot be seen is shown by its number.
std::string shown(char32_t c) {
  constexpr auto digits = "0123456789abcdef";
  if (c >= 0x10000 || !data::is_invisible(c)) return printable_line(data::utf8(c));
  std::string text = "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) text += digits[(c >> shift) & 15];
  return text;
}

class Lexer {
 public:
  Lexer(std::u32string text, std::size_t number) : text_(std::move(text)), number_(number) {}

  std::vector<Token> run() {
    std::vector<Token> tokens;
    while (skip_space(), at_ < text_.size()) tokens.push_back(next());
    tokens.push_back({Token::Kind::end, here(), {}});
    return tokens;
  }

 private:
  Place here() const { return {number_, static_cast<Index>(at_) + 1}; }
  char32_t ahead(std::size_t distance = 0) const {
    return at_ + distance < text_.size() ? text_[at_ + distance] : U'\0';
  }

  void skip_space() {
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '#')
        at_ = std::min(text_.find('\n', at_), text_.size() - 1);
      else if (!data::is_white_space(text_[at_]))
        return;
    }
  }

  Token next() {
    const char32_t c = ahead();
    if (is_digit(c) || (c == '.' && is_digit(ahead(1)))) return number();
    if (begins_name(c)) return name();
    return symbol();
  }

  // Digits with a point, and a power of ten.
  Token number() {
    Token token{Token::Kind::number, here(), {}};
    const std::size_t begin = at_;
    const auto digits = [&] {
      while (is_digit(ahead())) ++at_;
    };
    digits();
    if (ahead() == '.') ++at_, digits();
    const std::size_t sign = ahead(1) == '+' || ahead(1) == '-' ? 2 : 1;
    if ((ahead() == 'e' || ahead() == 'E') && is_digit(ahead(sign))) at_ += sign, digits();

    const std::string text = data::utf8(std::u32string_view(text_).substr(begin, at_ - begin));
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), token.number);
    if (error == std::errc::result_out_of_range)
      refuse(token.place, "f64 cannot hold the number ", printable_line(text, 20));
    if (error != std::errc() || end != text.data() + text.size() || goes_on_after(text))
      refuse_number(token.place, begin);
    return token;
  }

  // 1.2.3, 1_000, 0x10 or 1e. Another letter, as in 2x, begins a name.
  bool goes_on_after(std::string_view number) const {
    const char32_t c = ahead();
    const bool letters = begins_name(ahead(1));
    return c == '.' || c == '_' || (number == "0" && (c == 'x' || c == 'b' || c == 'o')) ||
           ((c == 'e' || c == 'E') && !letters);
  }
  [[noreturn]] void refuse_number(Place place, std::size_t begin) {
    while (continues_name(ahead()) || ahead() == '.') ++at_;
    const std::u32string_view all = std::u32string_view(text_).substr(begin, at_ - begin);
    refuse(place, "this is not a number: ", printable_line(data::utf8(all), 20));
  }

  Token name() {
    Token token{Token::Kind::name, here(), {}};
    const std::size_t begin = at_;
    while (at_ < text_.size() && continues_name(text_[at_])) ++at_;
    token.text = data::utf8(std::u32string_view(text_).substr(begin, at_ - begin));
    return token;
  }

  Token symbol() {
    Token token{Token::Kind::symbol, here(), {}};
    const char32_t c = ahead();
    if (is_superscript(c)) refuse(token.place, "write x^2 for a power");
    if (const auto other = std::ranges::find(typeset, c, &Typeset::character);
        other != std::end(typeset)) {
      ++at_;
      token.text = data::utf8(other->plain);
      return token;
    }
    static constexpr std::u32string_view all = U"+-*/^@'()[],;=<>!";
    if (all.find(c) == all.npos) refuse_character(token.place, c);
    token.text = static_cast<char>(c);
    ++at_;
    if (ahead() == '=' && (c == '=' || c == '<' || c == '>' || c == '!')) token.text += '=', ++at_;
    if (token.text == "!") refuse_character(token.place, c);
    if (token.text == "*" && ahead() == '*') refuse(token.place, "write x^2 for a power");
    if (token.text == "/" && ahead() == '/')
      refuse(token.place, "a quotient is written a / b, and a comment begins with #");
    return token;
  }
  [[noreturn]] static void refuse_character(Place place, char32_t c) {
    const std::string_view advice = advice_on_character(c);
    refuse(place, "unexpected character ", shown(c), advice.empty() ? "" : "; ", advice);
  }

  std::u32string text_;
  std::size_t number_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<Token> tokens_of(std::string_view text, std::size_t number_of_text) {
  if (const auto bad = data::invalid_utf8_at(text)) {
    const auto before = static_cast<Index>(data::code_points(text.substr(0, *bad)).size());
    refuse({number_of_text, before + 1}, "this is not UTF-8");
  }
  std::u32string characters = data::code_points(text);
  if (characters.size() > most_characters)
    refuse({number_of_text, static_cast<Index>(most_characters) + 1},
           "the text is too long: at most ", most_characters, " characters are read");
  return Lexer(std::move(characters), number_of_text).run();
}

}  // namespace adjoint::expression
