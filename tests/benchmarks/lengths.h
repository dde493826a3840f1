// How long the sequences of a batch are.
#pragma once

#include <vector>

#include "autograd/random.h"

namespace adjoint::benchmarks {

/// Tokens of a source and tokens to predict of its target, with the symbol that ends each.
struct PairLengths {
  Index source, target;
};

/// Of sentences: pairs drawn from data/english-french.tsv. Of words: letters and sounds, drawn like
/// those of CMUdict (cmudict_lengths.tsv). Files are looked for from the repository's folder.
std::vector<PairLengths> sentence_lengths(Index count, Key key);
std::vector<PairLengths> word_lengths(Index count, Key key);

}  // namespace adjoint::benchmarks
