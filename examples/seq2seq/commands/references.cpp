#include "examples/seq2seq/commands/references.h"

#include <algorithm>
#include <map>

namespace adjoint::seq2seq {

WithReferences group_by_source(const std::vector<data::Pair>& pairs,
                               const ReferenceSets& references) {
  WithReferences grouped;
  std::map<data::Tokens, std::size_t> numbers;       // of the sources, in order of appearance
  std::vector<std::vector<data::Tokens>> of_source;  // the references of each
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const auto [source, is_new] = numbers.emplace(pairs[i].source, numbers.size());
    if (is_new) {
      grouped.pairs.push_back(pairs[i]);
      of_source.emplace_back();
    }
    std::vector<data::Tokens>& known = of_source[source->second];
    for (const std::vector<data::Tokens>& set : references)
      if (!set[i].empty() && std::ranges::find(known, set[i]) == known.end())
        known.push_back(set[i]);
  }
  for (std::size_t i = 0; i < of_source.size(); ++i)
    for (std::size_t k = 0; k < of_source[i].size(); ++k) {
      if (k == grouped.references.size()) grouped.references.emplace_back(of_source.size());
      grouped.references[k][i] = of_source[i][k];
    }
  return grouped;
}

}  // namespace adjoint::seq2seq
