// Translating with a trained model, and how good its translations are.
#pragma once

#include <span>

#include "data/metrics.h"
#include "examples/seq2seq/model/attention_heads.h"
#include "nn/decoding/scoring.h"

namespace adjoint::seq2seq {

/// The words that the vocabulary does not contain, each once, in order of appearance.
std::vector<std::string> unknown_words(const data::Tokens& sentence,
                                       const data::Vocabulary& vocabulary);

struct Translation {
  data::Tokens tokens;
  double score = 0;  ///< log p, divided by the length penalty of a beam; 0 unless asked for
  /// How much each token attends to each of the source: [tokens, source tokens], with the ends
  /// (nn/decoding/alignment.h). An answer that was cut off has no end. Undefined unless asked for.
  Tensor attention = {};
};

class Translator {
 public:
  /// Keeps a reference to the model. The settings have been checked. Error when they ask for longer
  /// answers than the model can write, or for attention that it does not have.
  Translator(const Model& model, const DecodingSettings& settings);

  /// The answers to each source, best first: one, or an n-best list; none to an empty source.
  /// Neither the order of the sources nor which of them share a batch changes an answer (except as
  /// nn/decoding/decoding.h says about logits). Sources are numbered from `first_number`; a sample
  /// depends on the seed and on that number only.
  std::vector<std::vector<Translation>> operator()(std::span<const data::Tokens> sources,
                                                   std::size_t first_number = 0) const;

  /// The heads whose attention the answers have; none unless it is asked for.
  const std::vector<nn::AttentionHead>& heads() const { return heads_; }

 private:
  using Answers = std::vector<nn::Hypothesis>;  // to one source
  struct Question {
    nn::Ids source, prefix;
    Index number;
  };

  std::vector<std::vector<std::size_t>> batches(std::span<const data::Tokens> sources) const;
  Index longest_answer(const data::Tokens& source) const;
  nn::Ids encode_prefix(const data::Tokens& source) const;
  std::vector<Answers> search(const std::vector<Question>& questions, Index max_length) const;
  std::vector<Answers> draw(const std::vector<Question>& questions,
                            nn::DecodingOptions options) const;
  std::vector<Tensor> attention(const std::vector<Question>& questions,
                                const std::vector<Answers>& answers) const;
  Translation translation(const data::Tokens& source, const nn::Hypothesis& answer,
                          const Tensor& attention) const;

  const Model& model_;
  DecodingSettings settings_;
  data::Tokens prefix_;
  std::vector<nn::AttentionHead> heads_;  // whose attention is asked for
};

/// The best answer to each source. The answer to an empty source is empty.
std::vector<data::Tokens> translate(const Model& model, const std::vector<data::Tokens>& sources,
                                    const DecodingSettings& settings = {});

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
/// by edit distance over words; ties go to the first.
struct NearestSource {
  data::BleuScore bleu;
  double near_duplicates = 0;  ///< fraction of sentences within one word of a training source
};
NearestSource nearest_source(const Model& model, const std::vector<data::Pair>& train,
                             const std::vector<data::Pair>& held_out);

/// The log-probability of each token of each target and of its end. Unknown words count as <unk>,
/// unless the model copies and the source has them.
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
