// The translations of a corpus, and how good they are.
#pragma once

#include <string>
#include <vector>

#include "data/metrics.h"
#include "examples/seq2seq/model/translator.h"
#include "nn/decoding/scoring.h"

namespace adjoint::seq2seq {

/// The best answer to each source. The answer to an empty source is empty.
std::vector<data::Tokens> translate(const Model& model, const std::vector<data::Tokens>& sources,
                                    const DecodingSettings& settings = {});

/// Sentences as text.
std::vector<std::string> as_text(const std::vector<data::Tokens>& sentences,
                                 const data::Tokenizer& tokenizer);

struct Score {
  data::BleuScore bleu;   ///< corpus BLEU
  double exact = 0;       ///< fraction of sentences that equal the reference
  std::size_t count = 0;  ///< sentences
};
Score score(const Model& model, const std::vector<data::Pair>& pairs,
            const std::vector<data::Tokens>& translations);

/// A baseline without a model: each sentence gets the translation of its nearest training source,
/// by edit distance over words; of several equally near the first.
struct NearestSource {
  data::BleuScore bleu;
  double near_duplicates = 0;  ///< fraction of sentences within one word of a training source
};
NearestSource nearest_source(const std::vector<data::Pair>& train,
                             const std::vector<data::Pair>& held_out,
                             const data::Tokenizer& tokenizer);

/// The log-probability of each token of each target and of its end. Unknown words count as <unk>.
/// The lengths must be those that read_source() and read_target() accept.
std::vector<nn::PairScore> score_pairs(const Model& model, const std::vector<data::Pair>& pairs);

/// The likelihood of a corpus, summed pair by pair.
struct Likelihood {
  double log_probability = 0;
  Index tokens = 0;

  void add(const nn::PairScore& score) {
    log_probability += score.log_probability();
    tokens += std::ssize(score.tokens);
  }
  double perplexity() const { return data::perplexity(-log_probability, tokens); }
};

}  // namespace adjoint::seq2seq
