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

// Two neighbours in the wrong order are one slip of the finger, though two edits.
bool differ_by_a_swap(const std::string& a, const std::string& b) {
  if (a.size() != b.size()) return false;
  const auto [in_a, in_b] = std::ranges::mismatch(a, b);
  if (a.end() - in_a < 2) return false;
  return in_a[0] == in_b[1] && in_a[1] == in_b[0] && std::equal(in_a + 2, a.end(), in_b + 2);
}

std::size_t slips(const std::string& a, const std::string& b) {
  return differ_by_a_swap(a, b) ? 1
                                : static_cast<std::size_t>(edit_distance(letters(a), letters(b)));
}

}  // namespace

std::string nearest_name(const std::string& given, const std::vector<std::string>& known) {
  if (known.empty() || given.size() > longest) return "";
  const auto distance = [&](const std::string& name) { return slips(given, name); };
  const std::string& nearest = *std::ranges::min_element(known, {}, distance);
  if (3 * distance(nearest) <= nearest.size()) return nearest;
  const std::size_t dashes = std::min(given.find_first_not_of('-'), given.size());
  if (given.size() < dashes + fewest) return "";
  const auto longer =
      std::ranges::find_if(known, [&](const std::string& name) { return name.starts_with(given); });
  return longer == known.end() ? "" : *longer;
}

}  // namespace adjoint::data
