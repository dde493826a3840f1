// The text of settings files: lines NAME=VALUE, a part of TOML.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace adjoint::seq2seq {

/// One line of a settings file.
struct Setting {
  std::string name;
  std::vector<std::string> values;  ///< one, unless the value is a list
  std::size_t line;                 ///< counted from 1
};

/// Parses the text of a settings file. On each line stands
///
///   name = value     # a comment
///
/// where a value is text without `#`; or "text" with the escapes \" \\ \b \t \n \f \r \uXXXX and
/// \UXXXXXXXX; or 'text' without escapes; or a list [value, value, …]. A name alone means
/// `name = true`. Empty lines and those that begin with # or ; mean nothing. Error, with the number
/// of the line, for anything else.
std::vector<Setting> parse_settings(std::string_view text);

/// The line that parse_settings() reads as this name and this value, with its end. Numbers, true
/// and false stand without quotes.
std::string settings_line(const std::string& name, std::string_view value);

}  // namespace adjoint::seq2seq
