// Translations of a corpus and how good they are.
#pragma once

#include <string>
#include <vector>

#include "data/metrics.h"
#include "examples/seq2seq/model/translator.h"

namespace adjoint::seq2seq {

/// The best answer to each; an empty one to an empty source.
std::vector<data::Tokens> translate(const Model& model, const std::vector<data::Tokens>& sources,
                                    const DecodingSettings& settings = {});

/// Sentences as they are printed.
std::vector<std::string> as_text(const std::vector<data::Tokens>& sentences,
                                 const data::Tokenizer& tokenizer);

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
