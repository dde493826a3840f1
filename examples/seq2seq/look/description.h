// Figures in words, as `train` and `look` print them: lines, each with its end.
#pragma once

#include "examples/seq2seq/look/advice.h"

namespace adjoint::seq2seq {

/// The pairs, their splits, and what was left out.
std::string describe_pairs(const Figures& figures);

/// The lengths in tokens, and what is unknown to the vocabularies.
std::string describe_tokens(const Figures& figures);

std::string lines_of(const std::vector<Advice>& advice);

}  // namespace adjoint::seq2seq
