// How often a model is right, and how sure of itself.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/text/tokenizer.h"

namespace adjoint::data {

/// The share of positions at which the predicted id is the expected one, among those where the
/// expected id is not `ignored` (padding), from 0 to 1.
/// Error if the lengths differ or no position counts.
double token_accuracy(std::span<const std::int64_t> predicted,
                      std::span<const std::int64_t> expected, std::int64_t ignored);

/// The share of sentences that are right from the first token to the last, from 0 to 1.
/// Error if there is no sentence, or not one expected for each predicted.
double sequence_accuracy(const std::vector<Tokens>& predicted, const std::vector<Tokens>& expected);

/// exp(summed negative log likelihood / number of tokens): the number of equally likely tokens
/// among which a model in the same doubt would choose. Error if count < 1.
double perplexity(double summed_negative_log_likelihood, std::int64_t count);

}  // namespace adjoint::data
