#include "data/metrics/references.h"

#include <algorithm>

#include "autograd/support/error.h"

namespace adjoint::data {

References::References(std::string_view metric, std::size_t hypotheses, ReferenceSets sets)
    : all_(hypotheses) {
  require(hypotheses > 0, metric, ": no sentences");
  require(!sets.empty(), metric, ": no references");
  for (const std::vector<std::string>& set : sets) {
    require(set.size() == hypotheses, metric, ": ", hypotheses, " hypotheses, but ", set.size(),
            " references");
    for (std::size_t i = 0; i < hypotheses; ++i)
      if (!set[i].empty()) all_[i].push_back(set[i]);
  }
  for (std::vector<std::string_view>& references : all_)
    if (references.empty()) references.emplace_back();
}

std::string References::signature() const {
  const std::size_t first = all_.front().size();
  const bool same = std::ranges::all_of(all_, [&](const auto& r) { return r.size() == first; });
  return "nrefs:" + (same ? std::to_string(first) : "var");
}

}  // namespace adjoint::data
