// Using a trained model: translations and their scores.
#pragma once

#include <string>
#include <vector>

#include "data/metrics.h"
#include "examples/seq2seq/model_folder.h"

namespace adjoint::seq2seq {

/// The model's translation of each tokenised sentence, as tokens. Error for a sentence longer than
/// the model was made for.
std::vector<data::Tokens> translate(const Model& model, const std::vector<data::Tokens>& sources);

/// Words that the model does not know, each once.
std::vector<std::string> unknown_words(const Model& model, const data::Tokens& source);

struct Score {
  data::BleuScore bleu;   ///< corpus BLEU of the lower-cased text
  double exact = 0;       ///< share of sentences translated exactly
  std::size_t count = 0;  ///< sentences
};
Score score(const Model& model, const std::vector<data::Pair>& pairs,
            const std::vector<data::Tokens>& translations);

/// What one gets without a model: the translation of that training source which is nearest to each
/// sentence by edit distance over words, the first of several; and how near it is.
struct NearestSource {
  data::BleuScore bleu;
  double near_duplicates = 0;  ///< share of sentences at most one word away from a training source
};
NearestSource nearest_source(const std::vector<data::Pair>& train,
                             const std::vector<data::Pair>& held_out,
                             const data::Tokenizer& tokenizer);

}  // namespace adjoint::seq2seq
