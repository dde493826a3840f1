// How good translations are: over all, by length, by frequency of words, and what was confused.
#pragma once

#include "examples/seq2seq/model/translation.h"
#include "examples/seq2seq/report/bootstrap.h"

namespace adjoint::seq2seq {

/// The translations of a set of pairs, and what scores are computed from.
class Scored {
 public:
  /// The pairs must not be empty.
  Scored(const Model& model, const std::vector<data::Pair>& pairs,
         const std::vector<data::Tokens>& translations);

  struct Sentence {
    data::Tokens source, reference, output;
    std::string source_text, reference_text, output_text;
    data::BleuScore bleu;  ///< the counts of this sentence alone
    bool exact = false;
  };
  const std::vector<Sentence>& sentences() const { return sentences_; }

  /// Corpus BLEU of the sentences, each counted this many times; NaN where BLEU is not defined:
  /// without four words in a row in any output and reference.
  double bleu(std::span<const int> times) const;
  /// The percentage of sentences that equal the reference.
  double exact(std::span<const int> times) const;

 private:
  std::vector<Sentence> sentences_;
};

/// A group of sentences, or of words, and its score.
struct Bin {
  std::string label;
  std::size_t count = 0;  ///< sentences, or words of the references
  Interval score = {};
};

/// BLEU, or the percentage of exact sentences, by the number of tokens in the source. A group
/// has an eighth of the sentences or more; only that of the longest may have fewer.
std::vector<Bin> bleu_by_length(const Scored& scored);
std::vector<Bin> exact_by_length(const Scored& scored);

/// How often a word occurs in the training targets; 0: not in the vocabulary.
using Frequency = std::function<Index(const std::string& word)>;

/// The F1 of words, in percent, by how often they occur in the training targets:
/// 2 · matches / (words of the outputs + words of the references), where matches are clipped as in
/// BLEU (Neubig et al. 2019, compare-mt).
std::vector<Bin> f1_by_frequency(const Scored& scored, const Frequency& frequency);

/// A word of the references and what the model wrote in its place; one is empty for a word that it
/// left out or added.
struct Confusion {
  std::string reference, output;
  Index count = 0;
  std::size_t example = 0;  ///< the first sentence with it
};

/// What was confused with what, the most frequent first; ties in order of appearance. At most
/// `most`.
std::vector<Confusion> confusions(const Scored& scored, std::size_t most);

}  // namespace adjoint::seq2seq
