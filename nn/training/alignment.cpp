#include "nn/training/alignment.h"

#include <map>
#include <set>

namespace adjoint::nn {
namespace {

// The source tokens of each target token that has any.
std::map<Index, std::set<Index>> by_target(const Links& links) {
  std::map<Index, std::set<Index>> sources;
  for (const auto& [source, target] : links) sources[target].insert(source);
  return sources;
}

}  // namespace

LossSum alignment_loss(const Tensor& weights, Index head, std::span<const Links> alignments) {
  const Index heads = weights.size(1), queries = weights.size(2), keys = weights.size(3);
  require(std::ssize(alignments) == weights.size(0), "alignment: ", alignments.size(),
          " alignments for ", weights.size(0), " examples");
  require(head >= 0 && head < heads, "alignment: there is no head ", head, " among ", heads);
  Ids places;                  // of linked pairs in the flattened weights
  std::vector<double> shares;  // 1 / the number of links of the target token
  Index count = 0;
  for (Index example = 0; example < weights.size(0); ++example)
    for (const auto& [target, sources] : by_target(alignments[static_cast<std::size_t>(example)])) {
      ++count;
      for (const Index source : sources) {
        require(source >= 0 && source < keys && target >= 0 && target < queries, "alignment: link ",
                source, '-', target, " in a batch with up to ", keys, " source and ", queries,
                " target tokens");
        places.push_back(((example * heads + head) * queries + target) * keys + source);
        shares.push_back(1 / static_cast<double>(sources.size()));
      }
    }
  if (count == 0) return {zeros({}, weights.dtype()), 0};
  const Index links = std::ssize(places);
  const Tensor linked = gather(reshape(weights, {-1}), from(places, {links}));  // [links]
  // A weight that has underflowed to 0 would make the loss infinite.
  const Tensor logarithms = log(maximum(linked, scalar(1e-30, weights.dtype())));
  return {-sum(logarithms * cast(from(shares, {links}), weights.dtype())), count};
}

}  // namespace adjoint::nn
