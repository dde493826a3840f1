// N-grams: how often each occurs, and how many two sentences share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "data/text/tokenizer.h"

namespace adjoint::data {

/// How often each n-gram occurs, by its tokens joined with spaces. No token of a metric contains a
/// space next to another character, so different n-grams of the same length stay apart.
using NgramCounts = std::unordered_map<std::string, std::int64_t>;

/// The n-grams of the tokens: none if there are fewer than n.
NgramCounts count_ngrams(const Tokens& tokens, std::size_t n);

/// How many n-grams so many tokens have.
std::int64_t number_of_ngrams(std::size_t tokens, std::size_t n);

/// How many n-grams of the hypothesis the reference has too; one that it has twice counts at most
/// twice ("clipped").
std::int64_t matching_ngrams(const NgramCounts& hypothesis, const NgramCounts& reference);

}  // namespace adjoint::data
