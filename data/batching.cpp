#include "data/batching.h"

#include "autograd/error.h"

namespace adjoint::data {

Ids encode_source(const Tokens& tokens, const Vocabulary& vocabulary) {
  Ids ids = vocabulary.encode(tokens);
  ids.push_back(Vocabulary::eos);
  return ids;
}

EncodedPairs encode(const std::vector<Pair>& pairs, const Vocabulary& source,
                    const Vocabulary& target) {
  EncodedPairs encoded;
  for (const Pair& pair : pairs) {
    encoded.sources.push_back(encode_source(pair.source, source));
    Ids ids = {Vocabulary::bos};
    const Ids words = target.encode(pair.target);
    ids.insert(ids.end(), words.begin(), words.end());
    ids.push_back(Vocabulary::eos);
    encoded.targets.push_back(std::move(ids));
  }
  return encoded;
}

std::vector<std::vector<std::size_t>> batch_order(std::size_t pairs, Index batch_size, Key key) {
  require(batch_size >= 1, "batches: a batch needs at least one pair, got a size of ", batch_size);
  std::vector<std::vector<std::size_t>> batches;
  const Tensor order = permutation(static_cast<Index>(pairs), key);
  for (const Index pair : order.values<Index>()) {
    if (batches.empty() || static_cast<Index>(batches.back().size()) == batch_size)
      batches.emplace_back();
    batches.back().push_back(static_cast<std::size_t>(pair));
  }
  return batches;
}

EncodedPairs select(const EncodedPairs& pairs, std::span<const std::size_t> chosen) {
  EncodedPairs selected;
  for (const std::size_t i : chosen) {
    selected.sources.push_back(pairs.sources[i]);
    selected.targets.push_back(pairs.targets[i]);
  }
  return selected;
}

}  // namespace adjoint::data
