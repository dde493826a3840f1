// What a run learns from.
#pragma once

#include <string>

#include "autograd/shape.h"
#include "data/text/vocabulary.h"

namespace CLI {
class App;
}

namespace adjoint::seq2seq {

struct DataSettings {
  std::string task;  ///< a toy task instead of a file of pairs
  std::string tokenizer = "words";
  std::string too_long = "error";
  Index min_frequency = 2, max_vocabulary = 0;
  Index max_tokens = 60;
  Index pieces = 8000;  ///< of subwords
  std::string algorithm = "unigram";
  Index symbols = 50, min_length = 1, max_length = 25, train_count = 20000;
  double held_out = 0.1, validation = 0.03;
  Index held_out_count = 1000;

  void check() const;
  bool subwords() const { return tokenizer == "subwords"; }
  data::VocabularyLimits vocabulary_limits() const { return {min_frequency, max_vocabulary}; }
  /// The longest target that decoding may make.
  Index decoding_limit() const { return max_tokens + 10; }
};

/// The options that need a --task, and those that need --tokenizer subwords.
constexpr auto toy_task_group = "Toy task", subwords_group = "Subwords";

void add_options(CLI::App& app, DataSettings& settings);

}  // namespace adjoint::seq2seq
