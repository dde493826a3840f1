#include "autograd/support/printable.h"

#include <cstdint>
#include <cstdio>

namespace adjoint {
namespace {

/// A code point, or a byte that belongs to none, and the number of bytes it takes.
struct Character {
  char32_t value;
  std::size_t size;
  bool is_utf8 = true;
};

/// The first character of a text that is not empty. (Unicode 15, section 3.9, table 3-7.)
Character first_of(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const Character not_utf8 = {lead, 1, false};
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return not_utf8;
  char32_t value = lead & (0x7Fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0u) != 0x80u) return not_utf8;
    value = value << 6 | (byte(i) & 0x3Fu);
  }
  const bool overlong = value < (size == 4 ? 0x10000u : size == 3 ? 0x800u : 0x80u);
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  return overlong || surrogate || value > 0x10FFFF ? not_utf8 : Character{value, size};
}

bool is_control(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069);
}

bool is_break(char32_t c) { return c == '\t' || c == '\n'; }

std::string escaped(const Character& c) {
  if (c.is_utf8 && c.value == '\t') return "\\t";
  if (c.is_utf8 && c.value == '\n') return "\\n";
  if (c.is_utf8 && c.value == '\r') return "\\r";
  char text[8];
  std::snprintf(text, sizeof text, c.is_utf8 ? "\\u%04x" : "\\x%02x",
                static_cast<unsigned>(c.value));
  return text;
}

std::string shown(std::string_view text, std::size_t limit, bool on_one_line) {
  std::string result;
  for (std::size_t length = 0; !text.empty();) {
    const Character c = first_of(text);
    const bool plain = c.is_utf8 && (is_break(c.value) ? !on_one_line : !is_control(c.value));
    const std::string next = plain ? std::string(text.substr(0, c.size)) : escaped(c);
    length += plain ? 1 : next.size();
    if (limit > 0 && length > limit) return result += "…";
    result += next;
    text.remove_prefix(c.size);
  }
  return result;
}

}  // namespace

std::string printable(std::string_view text, std::size_t limit) {
  return shown(text, limit, false);
}

std::string printable_line(std::string_view text, std::size_t limit) {
  return shown(text, limit, true);
}

}  // namespace adjoint
