#include "nn/training/loss.h"

#include <algorithm>

namespace adjoint::nn {

LossSum masked_cross_entropy(const Tensor& logits, const Tensor& targets, Index padding,
                             double smoothing) {
  const Tensor losses =
      cross_entropy(logits, targets, {.ignore = padding, .smoothing = smoothing});  // […]
  const auto ignored = std::ranges::count(targets.values<Index>(), padding);
  return {sum(losses), targets.numel() - static_cast<Index>(ignored)};
}

}  // namespace adjoint::nn
