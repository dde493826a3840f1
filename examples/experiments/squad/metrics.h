// How well answers are found, as SQuAD v1.1 defines it (Rajpurkar et al. 2016, section 6.1).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "examples/experiments/squad/dataset.h"

namespace adjoint::squad {

/// The words that are compared: lower case, without ASCII punctuation, without the articles a, an
/// and the, split at white space. Error if the text is not UTF-8.
std::vector<std::string> compared_words(std::string_view text);

/// 1 if the answer has the same words in the same order as one of the expected ones, else 0.
double exact_match(std::string_view answer, const std::vector<Answer>& expected);
/// The best over the expected answers of 2 P R / (P + R), where P is the share of the answer's
/// words that the expected answer has too, and R the share of the expected answer's. A word counts
/// as often as both have it. 0 if they share none.
double f1(std::string_view answer, const std::vector<Answer>& expected);

}  // namespace adjoint::squad
