// The settings of a model, each declared once.
#include <sstream>

#include "autograd/support/printable.h"
#include "nn/translation/config.h"

namespace adjoint::nn {
namespace {

// "encoder.blocks.0.attention:1,decoder.blocks.1.cross_attention:3", or "none"
std::vector<AttentionHead> parse_pruned_heads(const std::string& text) {
  std::vector<AttentionHead> heads;
  if (text == "none") return heads;
  std::istringstream items(text);
  for (std::string item; std::getline(items, item, ',');) {
    const auto head = AttentionHead::from_name(item);
    require(head.has_value(), "must be none or a list of LAYER:HEAD, not ", printable_line(text));
    heads.push_back(*head);
  }
  return heads;
}

std::string text_of(const std::vector<AttentionHead>& heads) {
  std::string text;
  for (const AttentionHead& head : heads) text += (text.empty() ? "" : ",") + head.name();
  return text.empty() ? "none" : text;
}

// What an action says is wrong.
template <class Action>
std::string problem_of(const Action& action) {
  try {
    action();
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

constexpr Choices<bool> relative_choices = {{"keys", false}, {"both", true}};

}  // namespace

SettingList TokenizerConfig::settings() {
  SettingList list;
  list.group("Data");
  const std::vector<std::string> kinds = {"words", "blanks", "characters", "subwords"};
  list.add("tokenizer", tokenizer, kinds,
           "what a token is; words are made lower case, and , . ! ? cut off; blanks cuts at "
           "white space only");
  list.add("source-tokenizer", source_tokenizer, kinds,
           "what a token of the sources is [as --tokenizer]");
  list.add("target-tokenizer", target_tokenizer, kinds,
           "what a token of the targets is [as --tokenizer]");
  list.add("max-tokens", max_tokens, from_1, "length limit of a sentence, in tokens");
  return list;
}

SettingList NetworkConfig::settings() {
  SettingList list;
  TransformerConfig& c = transformer;
  const auto choice = [&]<class Choice>(const char* name, Choice& value, const char* help) {
    list.add_choice(name, value, nn::choices<Choice>, help);
  };
  list.group("Model");
  list.add("model", model, {"transformer", "gru", "lstm", "gru-attention", "lstm-attention"},
           "the architecture; -attention: with Bahdanau's attention");
  list.add("width", c.width, from_1, "width of embeddings, blocks and recurrent states");
  list.add("dropout", c.dropout, below_1, "dropout rate");
  list.add_flag("copy", copies,
                "let the model copy words of the source, also those that it does not know (a "
                "pointer-generator); for names and numbers. Not for gru and lstm without attention")
      .absent = "false";

  list.group(transformer_group);
  list.add("decoder-width", c.decoder_width, from_0, "width of the decoder; 0: --width");
  list.add("hidden", c.hidden, from_1, "hidden width of the feed-forward networks");
  list.add("heads", c.heads, from_1, "attention heads; must divide the width");
  choice("attention", c.score, "how each head scores a query and a key");
  choice("attention-bias", c.attention_bias, "biases in the projections of attention");
  list.add(
          "prune-heads",
          [&c](const std::string& text) { c.pruned_heads = parse_pruned_heads(text); },
          [&c] { return text_of(c.pruned_heads); }, {},
          "heads to switch off, as in encoder.blocks.0.attention:1,"
          "decoder.blocks.1.cross_attention:0")
      .problem = [](const std::string& text) {
    return problem_of([&] { parse_pruned_heads(text); });
  };
  list.add("encoder-blocks", c.encoder_blocks, from_1, "blocks of the encoder");
  list.add("decoder-blocks", c.decoder_blocks, from_1, "blocks of the decoder");
  choice("positions", c.positions, "positional encoding");
  choice("position-mode", c.position_mode,
         "add positions, concatenate and project them, or split the width");
  choice("position-place", c.position_place, "before the blocks, in each block, or after them");
  list.add("position-width", c.position_width, from_1,
           "features that carry the position, for --position-mode split");
  list.add("kernel", c.kernel, from_1, "kernel size of convolutional positions, in tokens");
  list.add("max-distance", c.max_distance, from_1,
           "largest distance that relative positions tell apart");
  list.add_choice("relative", c.relative_values, relative_choices,
                  "what relative positions are added to: keys, or keys and values");
  choice("norm", c.norm, "normalize after or before each sublayer");
  choice("normalization", c.normalization, "layer norm or RMS norm");
  choice("activation", c.activation,
         "activation of the feed-forward networks; glu, geglu and swiglu are gated");
  choice("tie", c.tied_embeddings,
         "share the target embedding with the output (decoder), or also with the source "
         "embedding, over one vocabulary (all)");

  list.group(recurrent_group);
  list.add("layers", layers, from_1, "layers of the encoder, and of the decoder");
  list.add_flag("bidirectional", bidirectional,
                "the encoder reads in both directions, each with half of the width")
      .absent = "false";

  // Settings files of earlier versions have this setting. Outside any group it is not listed, and
  // without a value it is neither required nor written.
  list.group("");
  list.add(
          "head-layout", [](const std::string&) {}, [] { return ""; }, {}, "")
      .problem = [](const std::string& layout) {
    return layout == "side-by-side"
               ? ""
               : "this version computes heads side by side only; set head-layout=\"side-by-side\", "
                 "the results are the same up to rounding";
  };
  return list;
}

SettingList TranslationConfig::settings() {
  SettingList all = tokens.settings();
  for (Setting& setting : network.settings()) all.push_back(std::move(setting));
  return all;
}

}  // namespace adjoint::nn
