#include "data/tokenizer.h"

#include <utf8proc.h>

#include <cstdlib>
#include <memory>

#include "autograd/error.h"

namespace adjoint::data {
namespace {

using CodePoint = utf8proc_int32_t;

/// Reads the code point at the start of the text: its length in bytes, negative if ill-formed.
utf8proc_ssize_t read_code_point(std::string_view text, CodePoint* code_point) {
  return utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                          static_cast<utf8proc_ssize_t>(text.size()), code_point);
}

/// NFC of the text after `map` has been applied to each code point (null: no map).
std::string compose(std::string_view text, utf8proc_custom_func map) {
  utf8proc_uint8_t* bytes = nullptr;
  const utf8proc_ssize_t length = utf8proc_map_custom(
      reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
      static_cast<utf8proc_ssize_t>(text.size()), &bytes,
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE), map, nullptr);
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(bytes, &std::free);
  require(length >= 0, "tokenizer: cannot normalise the text: ", utf8proc_errmsg(length));
  return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length)};
}

CodePoint line_breaks_to_space(CodePoint c, void*) {
  return c == '\t' || c == '\n' || c == '\r' ? ' ' : c;
}

CodePoint lower_case_and_plain_space(CodePoint c, void*) {
  constexpr CodePoint no_break_space = 0x00A0;
  constexpr CodePoint narrow_no_break_space = 0x202F;
  if (c == no_break_space || c == narrow_no_break_space) return ' ';
  return utf8proc_tolower(line_breaks_to_space(c, nullptr));
}

bool is_mark(char c) { return c == ',' || c == '.' || c == '!' || c == '?'; }

/// d2l puts a space before each mark and then cuts at spaces and drops empty tokens. It comes to
/// the same to begin a new token at each mark.
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

Tokens split_characters(std::string_view text) {
  Tokens tokens;
  while (!text.empty()) {
    CodePoint code_point = 0;
    const auto length = static_cast<std::size_t>(read_code_point(text, &code_point));
    tokens.emplace_back(code_point == ' ' ? Tokenizer::visible_space : text.substr(0, length));
    text.remove_prefix(length);
  }
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

std::string join_characters(const Tokens& tokens) {
  std::string text;
  for (const std::string& token : tokens) {
    text.append(token == Tokenizer::visible_space ? std::string_view(" ") : token);
  }
  return text;
}

}  // namespace

Tokenizer Tokenizer::from_name(std::string_view name) {
  if (name == "words") return {.kind = Kind::words};
  if (name == "characters") return {.kind = Kind::characters};
  fail("tokenizer: unknown name \"", name, "\", expected \"words\" or \"characters\"");
}

std::string Tokenizer::name() const { return kind == Kind::words ? "words" : "characters"; }

Tokens Tokenizer::tokenize(std::string_view text) const {
  if (const auto offset = invalid_utf8_at(text)) {
    fail("tokenizer: the text is not UTF-8 at byte offset ", *offset);
  }
  // NFC comes before the lower case too: İ stored as I and a dot above must be mapped as İ is.
  const std::string composed = compose(text, nullptr);
  if (kind == Kind::words) return split_words(compose(composed, lower_case_and_plain_space));
  return split_characters(compose(composed, line_breaks_to_space));
}

std::string Tokenizer::detokenize(const Tokens& tokens, Spacing spacing) const {
  return kind == Kind::words ? join_words(tokens, spacing) : join_characters(tokens);
}

std::optional<std::size_t> invalid_utf8_at(std::string_view text) {
  std::size_t offset = 0;
  while (offset < text.size()) {
    CodePoint ignored = 0;
    const utf8proc_ssize_t length = read_code_point(text.substr(offset), &ignored);
    if (length <= 0) return offset;
    offset += static_cast<std::size_t>(length);
  }
  return std::nullopt;
}

}  // namespace adjoint::data
