// A trained model at work: from sentences to answers.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "examples/seq2seq/model/model_folder.h"
#include "examples/seq2seq/settings/decoding_settings.h"

namespace adjoint::seq2seq {

/// A line as tokens. Error when it is longer than the model was made for.
data::Tokens read_source(const Model& model, std::string_view line);

/// Words that the vocabulary does not have, each once.
std::vector<std::string> unknown_words(const data::Tokens& sentence,
                                       const data::Vocabulary& vocabulary);

/// One answer to a source.
struct Translation {
  data::Tokens tokens;
  double score = 0;  ///< log p, with a beam over the length penalty; 0 where nobody asked
};

/// Translates with one model in one way, many sentences at a time.
class Translator {
 public:
  enum class Scores { no, yes };

  /// Keeps the model, which has to outlive it. Error when the settings contradict each other, or
  /// ask for what the model was not made for.
  Translator(const Model& model, const DecodingSettings& settings, Scores scores = Scores::no);

  /// The answers to each source, those of the highest score first: one, or as many as the n-best
  /// list has, and none to an empty source. The order and the company of the sources change no
  /// answer (but for what nn/decoding/decoding.h says of BLAS). With `sample` each source has a
  /// number, from `first_number` on; a draw depends on the seed, on that number and on nothing
  /// else.
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
