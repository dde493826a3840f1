// How likely a model finds translations that others have made.
#pragma once

#include <string_view>
#include <vector>

#include "examples/seq2seq/model/translator.h"
#include "nn/decoding/scoring.h"

namespace adjoint::seq2seq {

/// A line as tokens. Error when it is longer than the model was made for.
data::Tokens read_target(const Model& model, std::string_view line);

/// The log-probabilities of each target's tokens and of its end. Words that the model does not know
/// count as <unk>. The lengths have to be those that read_source() and read_target() accept.
std::vector<nn::PairScore> score_pairs(const Model& model, const std::vector<data::Pair>& pairs);

}  // namespace adjoint::seq2seq
