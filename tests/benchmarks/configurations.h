// The models and batches that speed is measured on.
#pragma once

#include <string>
#include <vector>

#include "nn/transformer.h"

namespace adjoint::benchmarks {

/// A post-norm Transformer with relu and one batch for it.
struct Configuration {
  std::string name;
  Index source_tokens, target_tokens;  // sizes of the vocabularies
  Index width, hidden, heads, blocks;  // so many blocks in the encoder, and in the decoder
  Index batch, source_length, target_length;
  double dropout;
};

const std::vector<Configuration>& configurations();
/// Error when there is none of that name.
const Configuration& configuration(const std::string& name);

nn::Transformer make_model(const Configuration& configuration);

/// Random tokens. Targets have full length. Sources have half of it to all of it; the first and the
/// last one are full, so that each of two shards is padded to full length.
struct Batch {
  std::vector<nn::Ids> sources, targets;
};
Batch make_batch(const Configuration& configuration);

}  // namespace adjoint::benchmarks
