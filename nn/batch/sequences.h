// A batch of token sequences.
#pragma once

#include "nn/batch/layout.h"

namespace adjoint::nn {

using adjoint::Ids;

/// A batch of token sequences and its layout.
struct Sequences {
  Tensor ids;  // i64 [batch, steps] or [rows]
  Layout layout;

  /// Pads short sequences with the id `padding`.
  static Sequences padded(std::span<const Ids> sequences, Index padding);
  static Sequences packed(std::span<const Ids> sequences);
  /// The same sequences as a shard of a larger batch: see Layout::placed().
  Sequences placed(Index first_example) const { return {ids, layout.placed(first_example)}; }
};

}  // namespace adjoint::nn
