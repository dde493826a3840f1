#include "data/metrics/ngrams.h"

#include <algorithm>
#include <utility>

namespace adjoint::data {

NgramCounts count_ngrams(const Tokens& tokens, std::size_t n) {
  NgramCounts counts;
  for (std::size_t begin = 0; begin + n <= tokens.size(); ++begin) {
    std::string ngram = tokens[begin];
    for (std::size_t i = 1; i < n; ++i) ngram.append(" ").append(tokens[begin + i]);
    ++counts[std::move(ngram)];
  }
  return counts;
}

std::int64_t total(const NgramCounts& counts) {
  std::int64_t sum = 0;
  for (const auto& [ngram, count] : counts) sum += count;
  return sum;
}

std::int64_t matching_ngrams(const NgramCounts& hypothesis, const NgramCounts& reference) {
  std::int64_t matches = 0;
  for (const auto& [ngram, count] : hypothesis) {
    const auto found = reference.find(ngram);
    if (found != reference.end()) matches += std::min(count, found->second);
  }
  return matches;
}

}  // namespace adjoint::data
