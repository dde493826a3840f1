// Translating with a trained model: from sentences to answers.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "examples/seq2seq/model/model.h"
#include "examples/seq2seq/settings/decoding_settings.h"

namespace adjoint::seq2seq {

/// The words that the vocabulary does not contain, each once, in order of appearance.
std::vector<std::string> unknown_words(const data::Tokens& sentence,
                                       const data::Vocabulary& vocabulary);

/// One answer to a source.
struct Translation {
  data::Tokens tokens;
  double score = 0;  ///< log p, divided by the length penalty of a beam; 0 unless asked for
};

class Translator {
 public:
  enum class Scores { no, yes };

  /// Keeps a reference to the model. Error when the settings contradict each other, or ask for
  /// longer answers than the model can write.
  Translator(const Model& model, const DecodingSettings& settings, Scores scores = Scores::no);

  /// The answers to each source, best first: one, or an n-best list; none to an empty source.
  /// Neither the order of the sources nor which of them share a batch changes an answer (except as
  /// nn/decoding/decoding.h says about BLAS). Sources are numbered from `first_number`; a sample
  /// depends on the seed and on that number only.
  std::vector<std::vector<Translation>> operator()(std::span<const data::Tokens> sources,
                                                   std::size_t first_number = 0) const;

 private:
  using Answers = std::vector<nn::Hypothesis>;  // to one source

  std::vector<std::vector<std::size_t>> batches(std::span<const data::Tokens> sources) const;
  Index longest_answer(const data::Tokens& source) const;
  std::vector<Answers> search(const std::vector<nn::Ids>& sources,
                              const std::vector<std::size_t>& numbers, Index max_length) const;
  std::vector<Answers> draw(const std::vector<nn::Ids>& sources,
                            const std::vector<std::size_t>& numbers,
                            nn::DecodingOptions options) const;

  const Model& model_;
  DecodingSettings settings_;
  Scores scores_;
  nn::Ids prefix_;
};

}  // namespace adjoint::seq2seq
