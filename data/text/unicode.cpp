#include "data/text/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

#include "autograd/support/error.h"

namespace adjoint::data {
namespace {

const utf8proc_uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<const utf8proc_uint8_t*>(text.data());
}

/// Reads code points up to the end of the text or the first ill-formed byte; returns the offset.
std::size_t read_code_points(std::string_view text, std::u32string& points) {
  std::size_t offset = 0;
  while (offset < text.size()) {
    const std::string_view rest = text.substr(offset);
    utf8proc_int32_t point = 0;
    const utf8proc_ssize_t length = utf8proc_iterate(bytes_of(rest), std::ssize(rest), &point);
    if (length <= 0) break;
    points += static_cast<char32_t>(point);
    offset += static_cast<std::size_t>(length);
  }
  return offset;
}

utf8proc_category_t category(char32_t c) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

bool in_categories(char32_t c, utf8proc_category_t first, utf8proc_category_t last) {
  return category(c) >= first && category(c) <= last;
}

// --- Σ at the end of a word (Unicode 15, section 3.13, table 3-17, Final_Sigma) ---

bool is_cased(char32_t c) {
  return in_categories(c, UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_LT);  // Lu, Ll, Lt
}

/// Whether it can occur within a word without being one of its letters, such as an apostrophe.
bool is_case_ignorable(char32_t c) {
  static constexpr std::u32string_view marks_within_words =
      U"'.:\u00B7\u0387\u055F\u05F4\u2018\u2019\u2024\u2027\uFE13\uFE52\uFE55\uFF07\uFF0E\uFF1A";
  switch (category(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
      return true;
    default:
      return marks_within_words.find(c) != std::u32string_view::npos;
  }
}

/// Whether the first code point that is not ignorable is a cased letter.
template <class Iterator>
bool letter_comes_first(Iterator begin, Iterator end) {
  const Iterator found = std::find_if_not(begin, end, is_case_ignorable);
  return found != end && is_cased(*found);
}

bool ends_a_word(std::u32string_view text, std::size_t i) {
  const std::u32string_view before = text.substr(0, i), after = text.substr(i + 1);
  return letter_comes_first(before.rbegin(), before.rend()) &&
         !letter_comes_first(after.begin(), after.end());
}

}  // namespace

std::optional<std::size_t> invalid_utf8_at(std::string_view text) {
  std::u32string points;
  const std::size_t offset = read_code_points(text, points);
  return offset < text.size() ? std::optional(offset) : std::nullopt;
}

std::u32string code_points(std::string_view text) {
  std::u32string points;
  points.reserve(text.size());
  const std::size_t offset = read_code_points(text, points);
  require(offset == text.size(), "the text is not UTF-8 at byte offset ", offset);
  return points;
}

std::string utf8(char32_t code_point) {
  std::array<utf8proc_uint8_t, 4> bytes = {};
  const utf8proc_ssize_t length =
      utf8proc_encode_char(static_cast<utf8proc_int32_t>(code_point), bytes.data());
  require(length > 0, "utf8: ", static_cast<std::uint32_t>(code_point), " is not a code point");
  return {bytes.begin(), bytes.begin() + length};
}

std::string utf8(std::u32string_view code_points) {
  std::string text;
  for (const char32_t c : code_points) text += utf8(c);
  return text;
}

std::string compose(std::string_view text) {
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (std::ranges::all_of(text, is_ascii)) return std::string(text);
  utf8proc_uint8_t* bytes = nullptr;
  const utf8proc_ssize_t length =
      utf8proc_map(bytes_of(text), static_cast<utf8proc_ssize_t>(text.size()), &bytes,
                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(bytes, &std::free);
  require(length >= 0, "cannot compose the text: ", utf8proc_errmsg(length));
  return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length)};
}

char32_t lower_case(char32_t c) {
  return static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c)));
}

std::string lower_case(std::string_view text) {
  const std::u32string points = code_points(text);
  std::u32string lower;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (points[i] == U'İ') {
      lower += U"i\u0307";
    } else if (points[i] == U'Σ') {
      lower += ends_a_word(points, i) ? U'ς' : U'σ';
    } else {
      lower += lower_case(points[i]);
    }
  }
  return utf8(lower);
}

bool is_white_space(char32_t c) {
  if (c < 0x80) return (c >= '\t' && c <= '\r') || (c >= 0x1C && c <= ' ');
  return c == 0x85 || category(c) == UTF8PROC_CATEGORY_ZS || c == 0x2028 || c == 0x2029;
}

bool is_invisible(char32_t c) {
  return is_white_space(c) || category(c) == UTF8PROC_CATEGORY_CC ||
         category(c) == UTF8PROC_CATEGORY_CF;
}

std::size_t columns(std::string_view text) {
  std::size_t sum = 0;
  for (const char32_t c : code_points(text))
    sum += static_cast<std::size_t>(utf8proc_charwidth(static_cast<utf8proc_int32_t>(c)));
  return sum;
}

bool is_number(char32_t c) { return in_categories(c, UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_NO); }

bool is_punctuation(char32_t c) {
  return in_categories(c, UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PO);
}

bool is_symbol(char32_t c) { return in_categories(c, UTF8PROC_CATEGORY_SM, UTF8PROC_CATEGORY_SO); }

}  // namespace adjoint::data
