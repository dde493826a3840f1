// From a model to token sequences.
#pragma once

#include "nn/seq2seq.h"

namespace adjoint::nn {

struct DecodingOptions {
  Index begin = 1;        ///< id that starts a target
  Index end = 2;          ///< id that ends it; not part of the result
  Index padding = 0;      ///< fills up short sources
  Index max_length = 64;  ///< tokens at most, without the end
};

/// The likeliest token at each step, fed back as the next input, until the end. One result for each
/// source. Computed step by step with a cache; equal to running the whole prefix again at each
/// step.
std::vector<Ids> greedy(const EncoderDecoder& model, std::span<const Ids> sources,
                        const DecodingOptions& options = {});

/// The same by running the whole prefix again: slow, to hold the cached form to.
std::vector<Ids> greedy_without_cache(const EncoderDecoder& model, std::span<const Ids> sources,
                                      const DecodingOptions& options = {});

}  // namespace adjoint::nn
