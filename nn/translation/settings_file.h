// The text of settings files: lines NAME=VALUE, a part of TOML.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace adjoint::nn {

/// The most bytes that such a file may have.
constexpr std::uint64_t longest_settings = 1 << 20;

/// One line of a settings file.
struct SettingLine {
  std::string name;
  std::vector<std::string> values;  ///< one, unless the value is a list
  std::size_t line;                 ///< counted from 1
};

/// Parses the text of a settings file, which has lines of the form
///
///   name = value     # a comment
///
/// where a value is text without `#`; or "text" with TOML's escapes, such as `\n` and `\u00e9`; or
/// 'text' without escapes; or a list [value, value, …]. A name alone has the value true. Empty
/// lines and those that begin with # or ; are ignored. Anything else is an Error that gives the
/// number of the line.
std::vector<SettingLine> parse_settings(std::string_view text);

/// The line, with its end, that parse_settings() reads as this name and value. Numbers, true and
/// false are written without quotes.
std::string settings_line(const std::string& name, std::string_view value);

}  // namespace adjoint::nn
