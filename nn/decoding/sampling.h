// Sampling: targets drawn from the model's distribution, or from its likelier part.
#pragma once

#include "nn/decoding/decoding.h"

namespace adjoint::nn {

/// How a token is drawn from the logits x: of p = softmax(x / temperature) the `top_k` likeliest
/// tokens are kept, of these the fewest that hold the share `top_p` (the nucleus of Holtzman et al.
/// 2020, "The curious case of neural text degeneration", section 3.1), and one of those is drawn
/// with a probability proportional to p. At ties the lower id is kept.
struct SamplingOptions {
  double temperature = 1;  ///< above 0; below 1 the likely becomes likelier
  Index top_k = 0;         ///< 0: all
  double top_p = 1;        ///< in (0, 1]; 1: all
  Key key{};               ///< the seed
  /// A number for each source, or no list at all: 0, 1, 2, … A draw is a function of the key, this
  /// number and the step, and of nothing else. So a set cut into batches, or sorted, gives the same
  /// samples when each source keeps its number, and one source under several numbers several.
  std::vector<Index> numbers = {};
};

/// One target for each source, drawn token by token. What the options exclude (the end, before
/// min_length) or force (a prefix) is excluded before anything is kept or drawn. log_probability is
/// the model's, without temperature; `score` is the same.
/// Error when temperature or top_p is outside of its range, top_k is negative, or the numbers are
/// not as many as the sources.
std::vector<Hypothesis> sample(const EncoderDecoder& model, std::span<const Ids> sources,
                               const SamplingOptions& sampling = {},
                               const DecodingOptions& options = {});

}  // namespace adjoint::nn
