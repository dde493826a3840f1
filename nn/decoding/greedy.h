// Greedy decoding: the likeliest token at each step.
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

}  // namespace adjoint::nn
