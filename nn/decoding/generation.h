// Targets generated token by token: the likeliest, or drawn from the model's distribution.
#pragma once

#include "nn/decoding/decoding.h"

namespace adjoint::nn {

/// Chooses the likeliest token at each step and feeds it back as the next input, until the end. One
/// result for each source. Equal to running the whole prefix through the model at each step, but
/// faster, since the model caches what it has computed.
std::vector<Ids> greedy(const EncoderDecoder& model, std::span<const Ids> sources,
                        const DecodingOptions& options = {});

/// The same targets with their probabilities, which take a little more time.
std::vector<Hypothesis> greedy_hypotheses(const EncoderDecoder& model, std::span<const Ids> sources,
                                          const DecodingOptions& options = {});

/// How a token is drawn from logits x. Of p = softmax(x / temperature), the `top_k` likeliest
/// tokens are kept; of those, the fewest whose share is at least `top_p` (the nucleus of Holtzman
/// et al. 2020, "The curious case of neural text degeneration", section 3.1); one of them is drawn
/// with a probability proportional to p. Ties go to the lower id.
struct SamplingOptions {
  double temperature = 1;  ///< above 0; below 1, likely tokens become likelier
  Index top_k = 0;         ///< 0: all
  double top_p = 1;        ///< in (0, 1]; 1: all
  Key key{};               ///< the seed
  /// A number for each source, or an empty list for 0, 1, 2, … A draw is a function of the key,
  /// this number and the step only. So a data set that is cut into batches or sorted gives the same
  /// samples if each source keeps its number, and one source under several numbers gives several.
  std::vector<Index> numbers = {};
};

/// Draws one target for each source, token by token. Options that exclude tokens (the end before
/// min_length) or force them (a prefix) apply before anything is kept or drawn. log_probability and
/// `score` are the model's, without temperature. Error if temperature or top_p is out of range,
/// top_k is negative, or `numbers` and the sources differ in number.
std::vector<Hypothesis> sample(const EncoderDecoder& model, std::span<const Ids> sources,
                               const SamplingOptions& sampling = {},
                               const DecodingOptions& options = {});

}  // namespace adjoint::nn
