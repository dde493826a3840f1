#include "data/text/tokenizer.h"

#include <algorithm>
#include <array>

#include "autograd/support/error.h"
#include "data/text/unicode.h"

namespace adjoint::data {
namespace {

/// Maps each code point and composes the result, which may no longer be in NFC.
std::string map_code_points(std::string_view text, char32_t (*map)(char32_t)) {
  std::u32string points = code_points(text);
  for (char32_t& c : points) c = map(c);
  return compose(utf8(points));
}

char32_t breaks_to_space(char32_t c) { return c == '\t' || c == '\n' || c == '\r' ? U' ' : c; }

char32_t lower_case_and_plain_space(char32_t c) {
  constexpr char32_t no_break_space = 0x00A0;
  constexpr char32_t narrow_no_break_space = 0x202F;
  if (c == no_break_space || c == narrow_no_break_space) return U' ';
  return lower_case(breaks_to_space(c));
}

std::string without_byte_order_marks(std::string_view text) {
  constexpr std::string_view mark = "\uFEFF";
  std::string rest;
  for (std::size_t at; (at = text.find(mark)) != std::string_view::npos;) {
    rest += text.substr(0, at);
    text.remove_prefix(at + mark.size());
  }
  return rest.append(text);
}

bool is_mark(char c) { return c == ',' || c == '.' || c == '!' || c == '?'; }

/// d2l puts a space before each mark, cuts at spaces and drops empty tokens. Beginning a new token
/// at each mark is equivalent.
Tokens split_words(const std::string& text) {
  Tokens tokens;
  bool begin = true;
  for (const char c : text) {
    if (c == ' ') {
      begin = true;
      continue;
    }
    if (begin || is_mark(c)) tokens.emplace_back();
    tokens.back() += c;
    begin = false;
  }
  return tokens;
}

Tokens split_at_white_space(std::string_view text) {
  Tokens tokens;
  bool begin = true;
  for (const char32_t c : code_points(text)) {
    if (is_white_space(c)) {
      begin = true;
      continue;
    }
    if (begin) tokens.emplace_back();
    tokens.back() += utf8(c);
    begin = false;
  }
  return tokens;
}

Tokens split_characters(std::string_view text) {
  Tokens tokens;
  for (const char32_t c : code_points(text))
    tokens.push_back(c == U' ' ? std::string(Tokenizer::visible_space) : utf8(c));
  return tokens;
}

std::string_view gap(std::string_view before, std::string_view after, Spacing spacing) {
  if (before.empty() || after.starts_with(',') || after.starts_with('.')) return "";
  if (!after.starts_with('!') && !after.starts_with('?')) return " ";
  const bool cluster = before == "!" || before == "?";
  return spacing == Spacing::french && !cluster ? "\u202F" : "";
}

std::string join_words(const Tokens& tokens, Spacing spacing) {
  std::string text;
  std::string_view previous;
  for (const std::string& token : tokens) {
    text.append(gap(previous, token, spacing)).append(token);
    previous = token;
  }
  return text;
}

std::string join_with_spaces(const Tokens& tokens) {
  std::string text;
  for (const std::string& token : tokens) text += (text.empty() ? "" : " ") + token;
  return text;
}

std::string join_characters(const Tokens& tokens) {
  std::string text;
  for (const std::string& token : tokens)
    text.append(token == Tokenizer::visible_space ? std::string_view(" ") : token);
  return text;
}

using Kind = Tokenizer::Kind;
constexpr std::array kinds = {std::pair("words", Kind::words), std::pair("blanks", Kind::blanks),
                              std::pair("characters", Kind::characters),
                              std::pair("sentencepiece", Kind::sentencepiece)};

}  // namespace

Tokenizer Tokenizer::from_name(std::string_view name, const std::filesystem::path& model) {
  if (name == "sentencepiece") {
    require(!model.empty() || !Subwords::available(),
            "tokenizer: sentencepiece needs the file of a trained model");
    return {.kind = Kind::sentencepiece, .subwords = Subwords::load(model)};
  }
  const auto known = std::ranges::find(kinds, name, [](const auto& k) { return k.first; });
  require(known != kinds.end(), "tokenizer: unknown name \"", name,
          "\", expected \"words\", \"blanks\", \"characters\" or \"sentencepiece\"");
  require(model.empty(), "tokenizer: ", name, " takes no model, got ", model.string());
  return {.kind = known->second};
}

std::string Tokenizer::name() const {
  return std::ranges::find(kinds, kind, [](const auto& k) { return k.second; })->first;
}

Tokens Tokenizer::tokenize(std::string_view text) const {
  if (const auto offset = invalid_utf8_at(text))
    fail("tokenizer: the text is not UTF-8 at byte offset ", *offset);
  // Compose before lowering the case, too: İ stored as I and a dot above must be mapped as İ is.
  const std::string composed = compose(without_byte_order_marks(text));
  if (kind == Kind::words)
    return split_words(map_code_points(composed, lower_case_and_plain_space));
  if (kind == Kind::blanks) return split_at_white_space(composed);
  const std::string line = map_code_points(composed, breaks_to_space);
  return kind == Kind::characters ? split_characters(line) : subwords.cut(line);
}

std::string Tokenizer::detokenize(const Tokens& tokens, Spacing spacing) const {
  if (kind == Kind::words) return join_words(tokens, spacing);
  if (kind == Kind::blanks) return join_with_spaces(tokens);
  return kind == Kind::characters ? join_characters(tokens) : subwords.join(tokens);
}

}  // namespace adjoint::data
