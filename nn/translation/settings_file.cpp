#include "nn/translation/settings_file.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <system_error>

#include "autograd/support/error.h"
#include "autograd/support/files.h"
#include "autograd/support/printable.h"
#include "data/text/unicode.h"

namespace adjoint::nn {
namespace {

constexpr std::string_view blanks = " \t";
// The letters of the short escapes, and the characters that they stand for.
constexpr std::string_view letters = "\"\\btnfr", meanings = "\"\\\b\t\n\f\r";

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  return text.substr(0, text.find_last_not_of(blanks) + 1);
}

/// Takes values from the beginning of a line.
class Values {
 public:
  explicit Values(std::string_view text) : rest_(text) {}

  std::vector<std::string> all() {
    std::vector<std::string> values;
    if (skip('[')) {
      while (!skip(']')) {
        require(!rest_.empty(), "the list has no ] on this line");
        require(values.empty() || skip(','), "a list needs a comma or ] after each value");
        if (skip(']')) break;  // a comma may end the list
        values.push_back(next(",]#"));
      }
    } else {
      values.push_back(next("#"));
    }
    skip_blanks();
    require(rest_.empty() || rest_.front() == '#',
            "unexpected text after the value: ", printable_line(rest_));
    return values;
  }

 private:
  void skip_blanks() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(blanks), rest_.size()));
  }
  bool skip(char c) {
    skip_blanks();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  /// A value; without quotes it ends before one of `ends`.
  std::string next(const char* ends) {
    if (skip('"')) return quoted();
    if (skip('\'')) {
      const std::size_t end = rest_.find('\'');
      require(end != std::string_view::npos, "the closing ' is missing");
      const std::string text(rest_.substr(0, end));
      rest_.remove_prefix(end + 1);
      return text;
    }
    const std::size_t end = std::min(rest_.find_first_of(ends), rest_.size());
    const std::string text(trimmed(rest_.substr(0, end)));
    rest_.remove_prefix(end);
    return text;
  }

  std::string quoted() {
    std::string text;
    while (!rest_.starts_with('"')) {
      require(!rest_.empty(), "the closing \" is missing");
      const char c = rest_.front();
      rest_.remove_prefix(1);
      text += c == '\\' ? escaped() : std::string(1, c);
    }
    rest_.remove_prefix(1);
    return text;
  }

  std::string escaped() {
    const char letter = rest_.empty() ? '\0' : rest_.front();
    rest_.remove_prefix(std::min<std::size_t>(1, rest_.size()));
    if (const std::size_t i = letters.find(letter); i != std::string_view::npos)
      return std::string(1, meanings[i]);
    require(letter == 'u' || letter == 'U', "\\", printable_line(std::string(1, letter)),
            " is not an escape; write \\\\ for a backslash");
    const std::size_t digits = letter == 'u' ? 4 : 8;
    std::uint32_t point = 0;
    const std::string_view text = rest_.substr(0, digits);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), point, 16);
    require(text.size() == digits && error == std::errc() && end == text.data() + digits, "\\",
            letter, " needs ", digits, " hexadecimal digits");
    require(point < 0xD800 || (point > 0xDFFF && point <= 0x10FFFF), "\\", letter, text,
            " is not a character");
    rest_.remove_prefix(digits);
    return data::utf8(char32_t{point});
  }

  std::string_view rest_;
};

SettingLine parse_line(std::string_view line, std::size_t number) {
  require(!line.starts_with('['), "there are no sections in a settings file; leave out ",
          printable_line(line));
  const std::size_t equals = line.find('=');
  if (equals == std::string_view::npos)
    return {std::string(trimmed(line.substr(0, line.find('#')))), {"true"}, number};
  return {std::string(trimmed(line.substr(0, equals))), Values(line.substr(equals + 1)).all(),
          number};
}

bool stands_without_quotes(std::string_view value) {
  if (value == "true" || value == "false") return true;
  double number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  return error != std::errc::invalid_argument && end == value.data() + value.size() &&
         value.find_first_not_of("0123456789.+-eE") == std::string_view::npos;
}

}  // namespace

std::vector<SettingLine> parse_settings(std::string_view text) {
  const std::vector<std::string> lines = lines_of(text);
  std::vector<SettingLine> settings;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string_view line = trimmed(lines[i]);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    try {
      settings.push_back(parse_line(line, i + 1));
    } catch (const Error& error) {
      fail("line ", i + 1, ": ", error.what());
    }
  }
  return settings;
}

std::string settings_line(const std::string& name, std::string_view value) {
  if (stands_without_quotes(value)) return text_from(name, '=', value, '\n');
  std::string text;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (const std::size_t i = meanings.find(c); i != std::string_view::npos) {
      text += {'\\', letters[i]};
    } else if (byte < 0x20 || byte == 0x7F) {
      char escape[7];
      std::snprintf(escape, sizeof escape, "\\u%04x", byte);
      text += escape;
    } else {
      text += c;
    }
  }
  return name + "=\"" + text + "\"\n";
}

}  // namespace adjoint::nn
