// A model from text to text: a network, with what turns lines into its ids and back.
#pragma once

#include "data/pairs/parallel_corpus.h"
#include "data/text/vocabulary.h"
#include "nn/translation/config.h"

namespace adjoint::nn {

/// A network between two languages, or any two kinds of text. Move-only, since copies would share
/// their weights.
struct TranslationModel {
  TranslationConfig config;
  data::Tokenizers tokenizers;
  data::Vocabulary source, target;
  std::unique_ptr<EncoderDecoder> network;

  /// The network is freshly initialized. Error when the configuration does not pass its check(), or
  /// when tokenizers or vocabularies do not fit it.
  TranslationModel(const TranslationConfig& config, data::Tokenizers tokenizers,
                   data::Vocabulary source, data::Vocabulary target, Key key);
  /// For these training pairs, which were read with config.tokens.make(): with the words that each
  /// side has, within the limits. With tied embeddings of all, both sides share one vocabulary.
  TranslationModel(const TranslationConfig& config, const std::vector<data::Pair>& pairs, Key key,
                   const data::VocabularyLimits& limits = {});

  /// A line as tokens. Error when it is longer than the model can read, or write.
  data::Tokens read_source(std::string_view line) const;
  data::Tokens read_target(std::string_view line) const;
};

}  // namespace adjoint::nn
