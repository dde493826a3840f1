#include "autograd/support/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "autograd/support/printable.h"

namespace adjoint {

std::string json(std::string_view text) {
  const auto is_plain = [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; };
  std::string result = "\"";
  if (std::ranges::all_of(text, is_plain)) return (result += text) += '"';
  for (const char c : printable(text, 0)) {
    if (c == '"' || c == '\\') result += '\\';
    if (c == '\n')
      result += "\\n";
    else if (c == '\t')
      result += "\\t";
    else
      result += c;
  }
  return result + '"';
}

std::string json(double value) {
  if (std::isnan(value)) return R"("NaN")";
  if (std::isinf(value)) return value > 0 ? R"("Infinity")" : R"("-Infinity")";
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}

std::string json_object(const JsonFields& fields) {
  std::string result = "{";
  for (const auto& [name, value] : fields) {
    if (result.size() > 1) result += ',';
    result += json(name) + ':' + value;
  }
  return result + '}';
}

}  // namespace adjoint
