// Sentences as the ids that a model reads and writes, and back.
#pragma once

#include "examples/seq2seq/model/model.h"

namespace adjoint::seq2seq {

/// A source with its end. For a model that copies, each token also says what a copy of it writes
/// (nn/batch/copyable.h).
nn::Ids encode_source(const Model& model, const data::Tokens& source);

/// A target, or the beginning of one, without begin and end. A model that copies knows the words of
/// the source too.
nn::Ids encode_target(const Model& model, const data::Tokens& source, const data::Tokens& target);

/// The tokens of an answer to a source.
data::Tokens decode_target(const Model& model, const data::Tokens& source, const nn::Ids& ids);

/// Pairs as a model is trained on them; see data::EncodedPairs.
data::EncodedPairs encode_pairs(const Model& model, const std::vector<data::Pair>& pairs);

/// The words of a target that a model can neither write nor copy, each once, in order.
std::vector<std::string> words_out_of_reach(const Model& model, const data::Tokens& source,
                                            const data::Tokens& target);

}  // namespace adjoint::seq2seq
