// N-grams: their counts, and how many two sentences share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "data/text/tokenizer.h"

namespace adjoint::data {

/// The count of each n-gram, by its tokens joined with spaces. No token of a metric contains a
/// space next to another character, so different n-grams of one length have different keys.
using NgramCounts = std::unordered_map<std::string, std::int64_t>;

/// Empty if there are fewer than n tokens.
NgramCounts count_ngrams(const Tokens& tokens, std::size_t n);

/// The number of n-grams, repetitions included.
std::int64_t total(const NgramCounts& counts);

/// The n-grams of the hypothesis that are in the reference, each counted at most as often as it
/// occurs there ("clipped").
std::int64_t matching_ngrams(const NgramCounts& hypothesis, const NgramCounts& reference);

}  // namespace adjoint::data
