// Accuracy and perplexity.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/text/tokenizer.h"

namespace adjoint::data {

/// The fraction of positions where the predicted id is the expected one, leaving out positions
/// whose expected id is `ignored` (padding). Error if the lengths differ or every position is
/// ignored.
double token_accuracy(std::span<const std::int64_t> predicted,
                      std::span<const std::int64_t> expected, std::int64_t ignored);

/// The fraction of sentences that equal the expected one. Error if there are none, or different
/// numbers of them.
double sequence_accuracy(const std::vector<Tokens>& predicted, const std::vector<Tokens>& expected);

/// exp(summed negative log-likelihood / count): the number of equally likely tokens that would
/// leave a model as uncertain. Error if count < 1.
double perplexity(double summed_negative_log_likelihood, std::int64_t count);

}  // namespace adjoint::data
