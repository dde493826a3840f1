// Several references for a sentence.
#pragma once

#include "data/pairs/parallel_corpus.h"

namespace adjoint::seq2seq {

/// sets[k][i] is the k-th reference of sentence i, as tokens. Each sentence has one in the first
/// set; where it has no other, its entry is empty.
using ReferenceSets = std::vector<std::vector<data::Tokens>>;

/// Pairs, and the references of their sources.
struct WithReferences {
  std::vector<data::Pair> pairs;
  ReferenceSets references;
};

/// The first pair of each different source, in order. The references of a source are those of all
/// its pairs, each once, the first pair's target first. references[k][i] belongs to pairs[i].
WithReferences group_by_source(const std::vector<data::Pair>& pairs,
                               const ReferenceSets& references);

}  // namespace adjoint::seq2seq
