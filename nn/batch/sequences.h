// A batch of token sequences.
#pragma once

#include <span>
#include <vector>

#include "autograd/tensor.h"
#include "nn/batch/layout.h"

namespace adjoint::nn {

using Ids = std::vector<Index>;

/// A batch of token sequences: ids in the shape that the layout's rows have.
struct Sequences {
  Tensor ids;  // i64 [batch, steps] or [rows]
  Layout layout;

  /// Short ones filled up with `padding`.
  static Sequences padded(std::span<const Ids> sequences, Index padding);
  static Sequences packed(std::span<const Ids> sequences);
  /// The same sequences counted from another example on.
  Sequences placed(Index first_example) const { return {ids, layout.placed(first_example)}; }
};

}  // namespace adjoint::nn
