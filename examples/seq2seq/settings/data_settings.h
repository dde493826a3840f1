// The pairs that a run learns from, and how they become tokens.
#pragma once

#include <string>

#include "data/pairs/parallel_corpus.h"
#include "data/text/vocabulary.h"
#include "examples/seq2seq/settings/options.h"

namespace adjoint::seq2seq {

struct DataSettings {
  std::string task;  ///< a toy task instead of files of pairs
  std::string tokenizer = "words";
  data::TooLong too_long = data::TooLong::error;
  Index min_frequency = 2, max_vocabulary = 0;
  Index max_tokens = 60;
  Index pieces = 8000;
  std::string algorithm = "unigram";
  Index symbols = 50, min_length = 1, max_length = 25, train_count = 20000;
  double held_out = 0.1, validation = 0.03;
  Index held_out_count = 1000;

  void add_to(Options& options);
  /// Error, naming the option, when values contradict each other.
  void check(const Options& options) const;

  bool subwords() const { return tokenizer == "subwords"; }
  data::VocabularyLimits vocabulary_limits() const { return {min_frequency, max_vocabulary}; }
  /// The length in tokens of the longest target that the model can write.
  Index decoding_limit() const { return max_tokens + 10; }
};

}  // namespace adjoint::seq2seq
