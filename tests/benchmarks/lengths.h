// The lengths of the sequences in a batch.
#pragma once

#include <vector>

#include "autograd/random.h"

namespace adjoint::benchmarks {

/// Tokens of a source, and tokens to predict of its target; both count the end symbol.
struct PairLengths {
  Index source, target;
};

/// Sentences are pairs drawn from data/english-french.tsv; words are letters and sounds drawn like
/// those of CMUdict (cmudict_lengths.tsv). Both paths are relative to the repository.
std::vector<PairLengths> sentence_lengths(Index count, Key key);
std::vector<PairLengths> word_lengths(Index count, Key key);

}  // namespace adjoint::benchmarks
