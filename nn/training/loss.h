// The loss of a batch, as a sum and a count.
#pragma once

#include "autograd/ops.h"

namespace adjoint::nn {

/// A sum over real tokens and how many there were. Sums and counts of parts of a batch add up,
/// means of means do not: whoever has the whole batch divides.
struct LossSum {
  Tensor sum;       // one element, natural logarithm
  Index count = 0;  // real tokens
};

/// Cross-entropy of targets i64 […] under logits […, tokens]; targets equal to `padding` count for
/// nothing. Error when the shapes do not match: nothing is broadcast.
LossSum masked_cross_entropy(const Tensor& logits, const Tensor& targets, Index padding,
                             double smoothing = 0);

}  // namespace adjoint::nn
