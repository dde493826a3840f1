// A model from text to text of every kind, small and untrained.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "nn/translation.h"

namespace adjoint::testing {

inline std::vector<data::Pair> three_pairs(const data::Tokenizers& tokenizers) {
  return data::read_corpus(
             data::text_lines("Go.\tVa !\nI lost.\tJ'ai perdu.\nI'm home.\tJe suis chez moi.\n",
                              "pairs"),
             tokenizers)
      .pairs;
}

inline nn::TranslationConfig small_translation() {
  nn::TranslationConfig config;
  config.tokens.max_tokens = 20;
  nn::TransformerConfig& transformer = config.network.transformer;
  transformer.width = 8;
  transformer.hidden = 4;
  transformer.heads = 2;
  transformer.position_width = 4;
  transformer.encoder_blocks = transformer.decoder_blocks = 1;
  return config;
}

/// Configurations with their names: every kind of network, of positions and of tokens.
inline std::vector<std::pair<std::string, nn::TranslationConfig>> all_translations() {
  std::vector<std::pair<std::string, nn::TranslationConfig>> all;
  const auto add = [&](const std::string& name, const auto& change) {
    all.emplace_back(name, small_translation());
    change(all.back().second);
  };
  for (const auto& [name, positions] : nn::choices<nn::Positions>)
    add(name, [&, which = positions](auto& c) { c.network.transformer.positions = which; });
  for (const char* name : {"gru", "lstm", "gru-attention", "lstm-attention"})
    add(name, [&](auto& c) { c.network.model = name; });
  add("copying", [](auto& c) { c.network.copies = true; });
  add("copying, recurrent", [](auto& c) {
    c.network.model = "gru-attention";
    c.network.copies = true;
  });
  add("bidirectional", [](auto& c) {
    c.network.model = "lstm-attention";
    c.network.bidirectional = true;
  });
  add("tied", [](auto& c) { c.network.transformer.tied_embeddings = nn::TiedEmbeddings::all; });
  add("unusual", [](auto& c) {
    nn::TransformerConfig& t = c.network.transformer;
    t.position_mode = nn::PositionMode::split;
    t.norm = nn::NormPlacement::pre;
    t.normalization = nn::Normalization::rms;
    t.activation = nn::Activation::swiglu;
    t.attention_bias = nn::Bias::yes;
    t.pruned_heads = {{"encoder.blocks.0.attention", 1}};
    t.dropout = 0.1;
  });
  for (const char* name : {"blanks", "characters"})
    add(name, [&](auto& c) { c.tokens.tokenizer = name; });
  add("two tokenizers", [](auto& c) { c.tokens.target_tokenizer = "characters"; });
  return all;
}

inline nn::TranslationModel small_model(const nn::TranslationConfig& config, int seed = 1) {
  return {config, three_pairs(config.tokens.make()), Key(static_cast<std::uint64_t>(seed))};
}

}  // namespace adjoint::testing
