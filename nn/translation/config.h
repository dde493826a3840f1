// What decides what a model from text to text computes, as structs and as the text of a settings
// file.
#pragma once

#include <filesystem>
#include <memory>

#include "data/text/tokenizer.h"
#include "nn/models/encoder_decoder.h"
#include "nn/models/model_size.h"
#include "nn/models/transformer_config.h"
#include "nn/translation/setting.h"

namespace adjoint::nn {

/// How a line becomes tokens, and how many of them a model reads and writes.
struct TokenizerConfig {
  std::string tokenizer = "words";  ///< or "blanks", "characters", "subwords": data::Tokenizer
  std::string source_tokenizer = {}, target_tokenizer = {};  ///< empty: `tokenizer`
  Index max_tokens = 60;                                     ///< of a source

  const std::string& tokenizer_of_source() const {
    return source_tokenizer.empty() ? tokenizer : source_tokenizer;
  }
  const std::string& tokenizer_of_target() const {
    return target_tokenizer.empty() ? tokenizer : target_tokenizer;
  }
  /// Whether a side is cut into subwords.
  bool subwords() const {
    return tokenizer_of_source() == "subwords" || tokenizer_of_target() == "subwords";
  }
  /// The length in tokens of the longest target that the model can write.
  Index decoding_limit() const { return max_tokens + 10; }

  /// The tokenizers of both sides. Those for subwords read this file of a sentencepiece model;
  /// Error if there is none.
  data::Tokenizers make(const std::filesystem::path& subwords_model = {}) const;

  SettingList settings();
};

/// The network between the two vocabularies.
struct NetworkConfig {
  /// Or a recurrent model: "gru", "lstm"; with Bahdanau's attention "gru-attention",
  /// "lstm-attention".
  std::string model = "transformer";
  /// Of these, width and dropout hold for recurrent models too. Vocabularies, max_length and
  /// ids_beyond follow from the rest of the model.
  TransformerConfig transformer = {};
  Index layers = 2;            ///< of recurrent models
  bool copies = false;         ///< words of the source can be copied
  bool bidirectional = false;  ///< the encoder of a recurrent model reads in both directions

  bool is_recurrent() const { return model != "transformer"; }
  /// Whether a recurrent model has attention.
  bool attends() const { return model.ends_with("-attention"); }
  /// As EncoderDecoder::source_attention_layers() of the network.
  std::vector<std::string> source_attention_layers() const;
  bool one_vocabulary() const { return transformer.tied_embeddings == TiedEmbeddings::all; }

  SettingList settings();
  /// Error, naming the settings, when values contradict each other. The prefix stands before each
  /// name: a program whose options they are passes "--".
  void check(const std::string& prefix = "") const;

  /// The heading under which the settings of these models are listed.
  static constexpr auto transformer_group = "Transformer", recurrent_group = "Recurrent model";
};

/// Everything that decides what a trained model computes, except its vocabularies and weights.
struct TranslationConfig {
  TokenizerConfig tokens = {};
  NetworkConfig network = {};

  /// How many words of a source can be copied although the target vocabulary lacks them; 0 for a
  /// model that does not copy. At most 256, since a file may ask for sources of any length.
  Index ids_beyond() const { return network.copies ? std::min<Index>(tokens.max_tokens, 256) : 0; }

  /// The network, freshly initialized, for vocabularies of these sizes.
  std::unique_ptr<EncoderDecoder> make_network(Index source_tokens, Index target_tokens,
                                               Key key) const;
  /// The size of that network. It is not built, so the settings may come from anywhere.
  ModelSize size_of_network(Index source_tokens, Index target_tokens) const;

  SettingList settings();
  void check(const std::string& prefix = "") const;

  /// The text of a settings file: a line NAME=VALUE for each setting (settings_file.h).
  std::string to_text() const;
  /// Reads such a text. Settings that it does not know are those of a run, and are left out. Error
  /// for a setting that is missing, is there twice, or has a value that it does not accept, and for
  /// values that contradict each other.
  static TranslationConfig from_text(std::string_view text);
};

/// Which settings of `config` differ from those in the text of a former one: "heads is 2, not 4;
/// …". Empty if none does. Settings that the text lacks, as those of later versions, are compared
/// with what their absence means.
std::string difference(std::string_view former, const TranslationConfig& config);

}  // namespace adjoint::nn
