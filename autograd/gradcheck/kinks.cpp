#include "autograd/gradcheck/kinks.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace adjoint::checking {
namespace {

constexpr std::size_t few = 12;         // elements, of which all pairs are taken
constexpr std::size_t most_pairs = 64;  // otherwise

using Pair = std::pair<Index, Index>;

// The neighbours in the order of `key`, where it is equal.
template <class KeyOf>
void add_neighbours(std::vector<Index> elements, const KeyOf& key, std::set<Pair>& pairs) {
  std::ranges::stable_sort(elements, {}, key);
  for (std::size_t k = 1; k < elements.size() && pairs.size() < most_pairs; ++k) {
    const auto [low, high] = std::minmax(elements[k - 1], elements[k]);
    if (key(low) == key(high)) pairs.insert({low, high});
  }
}

std::set<Pair> likely_pairs(const FlatFunction& f, const std::vector<Index>& elements) {
  std::set<Pair> pairs;
  if (elements.size() <= few) {
    for (const Index i : elements)
      for (const Index k : elements)
        if (i < k) pairs.insert({i, k});
    return pairs;
  }
  add_neighbours(
      elements, [&](Index i) { return f.input_position(i).element; }, pairs);
  add_neighbours(
      elements, [&](Index i) { return f.point[at(i)]; }, pairs);
  return pairs;
}

double gap(const Derivative& d) {
  return d.kind == Derivative::Kind::kink ? std::abs(d.right - d.left) : 0;
}

}  // namespace

std::vector<std::vector<Index>> equal_at_kinks(const FlatFunction& f,
                                               const std::map<Index, Slopes>& measured) {
  std::map<std::pair<int, double>, std::vector<Index>> groups;
  for (const auto& [i, slopes] : measured)
    if (slopes.any_kink()) groups[{f.input_position(i).tensor, f.point[at(i)]}].push_back(i);
  std::vector<std::vector<Index>> result;
  for (auto& [key, group] : groups)
    if (group.size() >= 3) result.push_back(std::move(group));
  return result;
}

std::vector<KinkPair> pairs_at_kinks(const FlatFunction& f,
                                     const std::map<Index, Slopes>& measured) {
  std::vector<Index> elements;
  for (const auto& [i, slopes] : measured)
    if (slopes.any_kink()) elements.push_back(i);
  std::vector<KinkPair> result;
  for (const auto& [i, k] : likely_pairs(f, elements)) {
    const Slopes &first = measured.at(i), &second = measured.at(k);
    // The last cotangents are single outputs: the kink is sharpest there.
    for (std::size_t r = first.numeric.size(); r-- > 0;) {
      const double one = gap(first.numeric[r]), other = gap(second.numeric[r]);
      if (one == 0 || other == 0) continue;
      result.push_back({i, k, 1 / one, 1 / other});
      break;
    }
  }
  return result;
}

}  // namespace adjoint::checking
