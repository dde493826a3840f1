// How likely given targets are.
#pragma once

#include <numeric>

#include "nn/decoding/decoding.h"

namespace adjoint::nn {

/// A target's log-likelihood under a model.
struct PairScore {
  /// log p(token | source, tokens before) of each token of the target, and of the end after it.
  std::vector<double> tokens;
  /// The likeliest token at each of these positions: what greedy decoding would choose there.
  Ids likeliest;
  /// The sum of `tokens`.
  double log_probability() const { return std::accumulate(tokens.begin(), tokens.end(), 0.0); }
};

/// Scores each pair, in natural logarithms and f64. Targets come without begin and end, as decoding
/// returns them; of the options, begin, end and padding are used. If `end` is `none`, the end is
/// not scored: that is the probability of a target cut at max_length. Error if the numbers of
/// sources and targets differ, for a token that the model does not have, and for logits that are
/// NaN.
std::vector<PairScore> score(const EncoderDecoder& model, std::span<const Ids> sources,
                             std::span<const Ids> targets, const DecodingOptions& options = {});

}  // namespace adjoint::nn
