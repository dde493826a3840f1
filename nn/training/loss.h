// The loss of a batch, as a sum and a count.
#pragma once

#include <algorithm>

#include "autograd/ops.h"

namespace adjoint::nn {

/// A loss summed over real tokens, and their number. The sums and counts of the shards of a batch
/// can be added; their means cannot. So divide once, by the count of the whole batch.
struct LossSum {
  Tensor sum;       // one element, natural logarithm
  Index count = 0;  // real tokens
};

// A loss of your own is composed of operations, which broadcast: predictions [n, 1] minus targets
// [n] have the shape [n, n]. DetectBroadcast (autograd/tools/broadcast.h) finds such mistakes.

/// Cross-entropy of targets i64 […] under logits […, tokens], leaving out targets equal to
/// `padding`. Error if the shapes do not match: nothing is broadcast.
inline LossSum masked_cross_entropy(const Tensor& logits, const Tensor& targets, Index padding,
                                    double smoothing = 0) {
  const Tensor losses =
      cross_entropy(logits, targets, {.ignore = padding, .smoothing = smoothing});  // […]
  return {sum(losses), targets.numel() - std::ranges::count(targets.values<Index>(), padding)};
}

}  // namespace adjoint::nn
