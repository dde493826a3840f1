// The formula of attention(), stage by stage, and how to read it back from the tape.
#pragma once

#include <optional>

#include "autograd/ops/attention_pattern.h"

namespace adjoint {

/// What the formula computes on its way, each by public operations. Where an example is shorter
/// than the longest one, the rows of q, k and v are zeros.
struct AttentionStages {
  Tensor q, k, v;  ///< [examples, heads, steps, d]
  Tensor scores;   ///< q kᵀ, 0 for hidden pairs: [examples, heads, queries, keys], as all below
  Tensor scaled;   ///< scores/√d
  Tensor biased;   ///< scaled − slope · distance; empty without linear biases
  Tensor weights;  ///< softmax over the visible keys
  Tensor dropped;  ///< weights · factors of dropout; empty without dropout
  Tensor mix;      ///< weights v: [examples, heads, queries, d]
  Tensor result;   ///< what attention() returns: […, heads·d]
};
AttentionStages attention_stages(const Tensor& query, const Tensor& key, const Tensor& value,
                                 const AttentionPattern& pattern, const AttentionOptions& options);

/// What attention() was given beside query, key and value.
struct AttentionCall {
  std::shared_ptr<const AttentionPattern> pattern;
  AttentionOptions options;
};
/// Of an entry of the tape that attention() recorded; nothing for other entries.
std::optional<AttentionCall> attention_call(const Node& node);

}  // namespace adjoint
