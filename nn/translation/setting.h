// Settings as a list. A configuration declares each of its settings once: a name, the variable, the
// values it accepts and a line of help. Settings files, the options of a program and the messages
// about wrong values all follow from that.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "nn/models/transformer_config.h"

namespace adjoint::nn {

/// The numbers that a setting accepts, from `least` to `most`; NaN and infinity are in no range.
struct Range {
  const char* text;  ///< follows "must be "
  long double least, most;
  bool whole = false;
};
constexpr double above_0 = std::numeric_limits<double>::denorm_min();
constexpr double under_1 = 1 - std::numeric_limits<double>::epsilon() / 2;
constexpr double largest = std::numeric_limits<double>::max();
constexpr Range from_0 = {"a whole number from 0 to 1000000000", 0, 1e9, true};
constexpr Range from_1 = {"a whole number from 1 to 1000000000", 1, 1e9, true};
constexpr Range below_1 = {"a number in [0, 1)", 0, under_1};

/// The number that a text is, in decimal; empty unless it is one in the range.
template <class Number>
std::optional<Number> read_number(const std::string& text, const Range& range) {
  Number value{};
  const char* const begin = text.data() + (text.starts_with('+') ? 1 : 0);
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(begin, end, value);
  const bool inside = value >= range.least && value <= range.most;  // false for NaN
  return error == std::errc() && stop == end && inside ? std::optional(value) : std::nullopt;
}

/// The shortest text that reads back as exactly this number.
template <class Number>
std::string number_text(Number number) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, number).ptr};
}

/// One setting, whose value is text.
struct Setting {
  std::string name;   ///< in a settings file: "width"
  std::string group;  ///< the heading under which a program lists it; empty: it is not listed
  std::string help;   ///< one line
  const char* type;   ///< "TEXT", "INT" or "FLOAT"
  std::vector<std::string> choices;  ///< the values that it accepts; empty: `problem` decides
  std::function<std::string()> get;  ///< an empty text: it has no value
  /// Takes a value without a problem. Error for a value that cannot be parsed.
  std::function<void(const std::string&)> set;
  /// What is wrong with a value, "must be …, not …"; empty if nothing is. May be null.
  std::function<std::string(const std::string&)> problem = {};
  bool* flag = nullptr;  ///< of a setting that is true or false
  /// Files of earlier versions lack the setting, which means this value; files are written without
  /// it while it has this value.
  std::string absent = {};

  /// The value as a file has it; empty if the file does without.
  std::string written() const {
    std::string value = get();
    return value == absent ? "" : value;
  }
};

/// The settings of a configuration, in the order in which they are listed and written. They refer
/// to its members.
class SettingList : public std::vector<Setting> {
 public:
  /// The settings added from here on are listed under this heading.
  void group(const std::string& heading) { heading_ = heading; }

  // Each returns the new setting.
  Setting& add(const std::string& name, std::string& value, std::vector<std::string> choices,
               const std::string& help);
  Setting& add(const std::string& name, Index& value, const Range& range, const std::string& help);
  Setting& add(const std::string& name, double& value, const Range& range, const std::string& help);
  Setting& add_flag(const std::string& name, bool& value, const std::string& help);
  /// A value that has a name.
  template <class Value>
  Setting& add_choice(const std::string& name, Value& value, const Choices<Value>& all,
                      const std::string& help) {
    const std::vector<std::pair<const char*, Value>> known(all);
    std::vector<std::string> names;
    for (const auto& [each, choice] : known) names.emplace_back(each);
    const auto set = [&value, known](const std::string& text) {
      for (const auto& [each, choice] : known)
        if (text == each) value = choice;
    };
    const auto get = [&value, known]() -> std::string {
      for (const auto& [each, choice] : known)
        if (choice == value) return each;
      return "";
    };
    return add(name, set, get, std::move(names), help);
  }
  /// A value that `set` parses and `get` prints.
  Setting& add(const std::string& name, std::function<void(const std::string&)> set,
               std::function<std::string()> get, std::vector<std::string> choices,
               const std::string& help);

  /// The setting of this name; null if there is none.
  const Setting* find(const std::string& name) const;

 private:
  template <class Number>
  Setting& add_number(const std::string& name, Number& value, const Range& range,
                      const std::string& help);

  std::string heading_ = "Options";
};

}  // namespace adjoint::nn
