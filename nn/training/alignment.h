// Guided attention: a head that learns which source token belongs to which target token.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "nn/batch/attention_head.h"
#include "nn/training/loss.h"

namespace adjoint::nn {

/// The links of a sentence and its translation, as pairs of a source token and a target token. The
/// target's begin symbol is not counted: token 0 is the first that the model predicts.
using Links = std::vector<std::pair<Index, Index>>;

/// The head that is guided, and how much its loss counts.
struct GuidedHead : AttentionHead {
  double weight = 0;
};

/// The cross-entropy of a head's attention under the given alignments, one for each example (Chen
/// et al. 2016, "Guided alignment training for topic-aware neural machine translation"; Garg et al.
/// 2019, "Jointly learning to align and translate with Transformer models", equation 7):
///
///   −Σ over the target tokens i that have links of the mean of log aᵢⱼ over their source tokens j
///
/// The weights a are [examples, heads, queries, keys], as attention layers store them; query i is
/// the one that predicts target token i. A target token without links counts for nothing, and a
/// link that occurs twice counts once. The count is that of the target tokens that have links.
/// Error for a head or token that the weights do not have.
LossSum alignment_loss(const Tensor& weights, Index head, std::span<const Links> alignments);

}  // namespace adjoint::nn
