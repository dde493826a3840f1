// The models and batches of the benchmarks.
#pragma once

#include <string>
#include <vector>

#include "nn/models/transformer.h"
#include "tests/benchmarks/lengths.h"

namespace adjoint::benchmarks {

/// A post-norm Transformer with relu, and one batch for it.
struct Configuration {
  std::string name;
  Index source_tokens, target_tokens;  // sizes of the vocabularies
  Index width, hidden, heads, blocks;  // blocks in the encoder, and as many in the decoder
  Index batch, source_length, target_length;
  double dropout;
  std::vector<PairLengths> lengths{};  // of each pair; empty: as make_batch draws them
};

const std::vector<Configuration>& configurations();
/// Error when no configuration has this name.
const Configuration& configuration(const std::string& name);

nn::Transformer make_model(const Configuration& configuration, bool recomputed = false);

/// Random tokens. Unless lengths are configured, targets have full length and sources half of it to
/// all of it; the first and the last source are full, so both shards are padded to full length.
struct Batch {
  std::vector<nn::Ids> sources, targets;
};
Batch make_batch(const Configuration& configuration);
/// The tokens to predict: all of a target but its first.
Index target_tokens(const Batch& batch);

}  // namespace adjoint::benchmarks
