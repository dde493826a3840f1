// The models and batches that speed is measured on.
#pragma once

#include <string>
#include <vector>

#include "nn/models/transformer.h"
#include "tests/benchmarks/lengths.h"

namespace adjoint::benchmarks {

/// A post-norm Transformer with relu and one batch for it.
struct Configuration {
  std::string name;
  Index source_tokens, target_tokens;  // sizes of the vocabularies
  Index width, hidden, heads, blocks;  // so many blocks in the encoder, and in the decoder
  Index batch, source_length, target_length;
  double dropout;
  std::vector<PairLengths>
      lengths{};  // of each pair of the batch, if they are not as in make_batch
};

const std::vector<Configuration>& configurations();
/// Error when there is none of that name.
const Configuration& configuration(const std::string& name);

nn::Transformer make_model(const Configuration& configuration, bool recomputed = false);

/// Random tokens. Targets have full length, sources half of it to all of it; the first and the last
/// source are full, so that each of two shards is padded to full length. Or lengths as configured.
struct Batch {
  std::vector<nn::Ids> sources, targets;
};
Batch make_batch(const Configuration& configuration);
/// Those to predict: all of a target but its first.
Index target_tokens(const Batch& batch);

}  // namespace adjoint::benchmarks
