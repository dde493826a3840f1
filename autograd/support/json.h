// Values written as JSON, by hand: the engine depends on no JSON library, and it reads none.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace adjoint {

/// A string. What JSON cannot hold, control characters and bytes that are not UTF-8, is escaped as
/// printable() does it.
std::string json(std::string_view text);
inline std::string json(const std::string& text) { return json(std::string_view(text)); }
inline std::string json(const char* text) { return json(std::string_view(text)); }

/// The shortest digits that read back as the same number. JSON has no other numbers than finite
/// ones: the rest are the strings "NaN", "Infinity" and "-Infinity", which Python's float() and
/// JavaScript's Number() read.
std::string json(double value);

std::string json(std::integral auto value) {
  if constexpr (std::same_as<decltype(value), bool>)
    return value ? "true" : "false";
  else
    return std::to_string(value);
}

/// A list; `item` writes an element of it.
template <class Items>
std::string json_list(const Items& items, const auto& item) {
  std::string result = "[";
  for (const auto& each : items) {
    if (result.size() > 1) result += ',';
    result += item(each);
  }
  return result += ']';
}

using JsonField = std::pair<const char*, std::string>;  ///< a name, and its value as JSON
using JsonFields = std::vector<JsonField>;

std::string json_object(const JsonFields& fields);

}  // namespace adjoint
