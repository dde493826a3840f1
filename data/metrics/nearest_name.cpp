#include "data/metrics/nearest_name.h"

#include <algorithm>

#include "data/metrics/error_rates.h"

namespace adjoint::data {
namespace {

constexpr std::size_t longest = 40;  // a longer text is no name
constexpr std::size_t fewest = 3;    // letters that tell what a name begins with

Tokens letters(const std::string& name) {
  Tokens tokens;
  for (const char c : name) tokens.emplace_back(1, c);
  return tokens;
}

}  // namespace

std::string nearest_name(const std::string& given, const std::vector<std::string>& known) {
  if (known.empty() || given.size() > longest) return "";
  const auto distance = [&](const std::string& name) {
    return edit_distance(letters(given), letters(name));
  };
  const std::string& nearest = *std::ranges::min_element(known, {}, distance);
  if (3 * distance(nearest) <= std::ssize(nearest)) return nearest;
  const std::size_t dashes = std::min(given.find_first_not_of('-'), given.size());
  if (given.size() < dashes + fewest) return "";
  const auto longer =
      std::ranges::find_if(known, [&](const std::string& name) { return name.starts_with(given); });
  return longer == known.end() ? "" : *longer;
}

}  // namespace adjoint::data
