// From sentence pairs to batches of ids.
#pragma once

#include <span>
#include <vector>

#include "autograd/random.h"
#include "data/parallel_corpus.h"
#include "data/vocabulary.h"

namespace adjoint::data {

using Ids = std::vector<Index>;

/// Pairs as a model reads them: a source ends with <eos>; a target stands between <bos> and <eos>.
struct EncodedPairs {
  std::vector<Ids> sources, targets;
  std::size_t size() const { return sources.size(); }
};

Ids encode_source(const Tokens& tokens, const Vocabulary& vocabulary);
EncodedPairs encode(const std::vector<Pair>& pairs, const Vocabulary& source,
                    const Vocabulary& target);

/// Which pairs form which batch in one epoch: all pairs in an order drawn from the key, cut every
/// `batch_size`; the last batch may be smaller. Another key, another order. Error unless the size
/// is at least 1.
std::vector<std::vector<std::size_t>> batch_order(std::size_t pairs, Index batch_size, Key key);

/// The chosen pairs, with lengths as they are.
EncodedPairs select(const EncodedPairs& pairs, std::span<const std::size_t> chosen);

}  // namespace adjoint::data
