// Sentences as the ids that a model reads and writes, and back.
#pragma once

#include "data/pairs/batching.h"
#include "nn/translation/model.h"

namespace adjoint::nn {

/// A source with its end. For a model that copies, each token also says what a copy of it writes
/// (nn/batch/copyable.h).
Ids encode_source(const TranslationModel& model, const data::Tokens& source);

/// A target, or the beginning of one, without begin and end. A model that copies knows the words of
/// the source too.
Ids encode_target(const TranslationModel& model, const data::Tokens& source,
                  const data::Tokens& target);

/// The tokens of an answer to a source.
data::Tokens decode_target(const TranslationModel& model, const data::Tokens& source,
                           const Ids& ids);

/// Pairs as a model is trained on them; see data::EncodedPairs.
data::EncodedPairs encode_pairs(const TranslationModel& model,
                                const std::vector<data::Pair>& pairs);

/// The words of a target that a model can neither write nor copy, each once, in order.
std::vector<std::string> words_out_of_reach(const TranslationModel& model,
                                            const data::Tokens& source, const data::Tokens& target);

}  // namespace adjoint::nn
