#include <algorithm>
#include <map>
#include <sstream>

#include "examples/seq2seq/settings/settings.h"

namespace adjoint::seq2seq {
namespace {

constexpr auto transformer_group = "Transformer", recurrent_group = "Recurrent model";

// The option that sets a field of the configuration.
std::string option_of(const std::string& field) {
  static const std::map<std::string, std::string> others = {
      {"score", "--attention"}, {"tied_embeddings", "--tie"}, {"pruned_heads", "--prune-heads"}};
  if (const auto other = others.find(field); other != others.end()) return other->second;
  std::string option = "--" + field;
  std::ranges::replace(option, '_', '-');
  return option;
}

// "encoder.blocks.0.attention:1,decoder.blocks.1.cross_attention:3", or "none"
std::vector<nn::PrunedHead> parse_pruned_heads(const std::string& text) {
  std::vector<nn::PrunedHead> heads;
  if (text == "none") return heads;
  std::istringstream items(text);
  for (std::string item; std::getline(items, item, ',');) {
    std::istringstream parts(item);
    nn::PrunedHead& head = heads.emplace_back();
    require(std::getline(parts, head.layer, ':') && parts >> std::noskipws >> head.head &&
                parts.peek() == EOF,
            "--prune-heads: '", item, "' is not a LAYER:HEAD");
  }
  return heads;
}

std::string text_of(const std::vector<nn::PrunedHead>& heads) {
  std::string text;
  for (const auto& [layer, head] : heads)
    text += (text.empty() ? "" : ",") + layer + ":" + std::to_string(head);
  return text.empty() ? "none" : text;
}

constexpr nn::Choices<bool> relative_choices = {{"keys", false}, {"both", true}};

}  // namespace

void ModelSettings::check(const Options& options) const {
  const std::string other_model = "cannot be used with --model " + model;
  options.require_for_group(!is_recurrent(), transformer_group, other_model);
  options.require_for_group(is_recurrent(), recurrent_group, other_model);
  require(!copies || !is_recurrent() || attends(), "--copy ", other_model,
          ", which has no attention");
  require(!bidirectional || transformer.width % 2 == 0,
          "--bidirectional: two directions share --width ", transformer.width,
          ", which must be even");
  if (is_recurrent()) return;
  nn::TransformerConfig config = transformer;
  config.source_tokens = config.target_tokens = 1;  // not known before the data are read
  config.check(option_of);
}

namespace {

nn::TransformerConfig transformer_config(const Settings& s, Index source_tokens,
                                         Index target_tokens) {
  nn::TransformerConfig config = s.model.transformer;
  config.source_tokens = source_tokens;
  config.target_tokens = target_tokens;
  config.max_length = s.data.decoding_limit() + 1;
  config.ids_beyond = s.ids_beyond();
  config.unknown = data::Vocabulary::unk;
  return config;
}

nn::RecurrentConfig recurrent_config(const Settings& s, Index source_tokens, Index target_tokens) {
  return {
      .source_tokens = source_tokens,
      .target_tokens = target_tokens,
      .cell = s.model.model.starts_with("lstm") ? nn::Cell::lstm : nn::Cell::gru,
      .embedding = s.model.transformer.width,
      .hidden = s.model.transformer.width,
      .layers = s.model.layers,
      .encoder_directions = s.model.bidirectional ? nn::Directions::both : nn::Directions::forward,
      .dropout = s.model.transformer.dropout,
      .ids_beyond = s.ids_beyond(),
      .unknown = data::Vocabulary::unk};
}

}  // namespace

std::unique_ptr<nn::EncoderDecoder> Settings::network(Index source_tokens,
                                                      Index target_tokens) const {
  const Key key = Key(training.seed).child("model");
  if (!model.is_recurrent())
    return std::make_unique<nn::Transformer>(
        transformer_config(*this, source_tokens, target_tokens), key);
  const nn::RecurrentConfig config = recurrent_config(*this, source_tokens, target_tokens);
  if (model.attends()) return std::make_unique<nn::BahdanauSeq2Seq>(config, key);
  return std::make_unique<nn::RecurrentSeq2Seq>(config, key);
}

nn::ModelSize Settings::size_of_network(Index source_tokens, Index target_tokens) const {
  if (model.is_recurrent())
    return nn::size_of(recurrent_config(*this, source_tokens, target_tokens), model.attends());
  return nn::size_of(transformer_config(*this, source_tokens, target_tokens).check(option_of));
}

void ModelSettings::add_to(Options& options) {
  nn::TransformerConfig& c = transformer;
  const auto choice = [&]<class Choice>(const char* name, Choice& value, const char* help) {
    options.add_choice(name, value, nn::choices<Choice>, help);
  };
  options.group("Model");
  options.add("--model", model, {"transformer", "gru", "lstm", "gru-attention", "lstm-attention"},
              "the architecture; -attention: with Bahdanau's attention");
  options.add("--width", c.width, from_1, "width of embeddings, blocks and recurrent states");
  options.add("--dropout", c.dropout, below_1, "dropout rate");
  options
      .add_flag("--copy", copies,
                "let the model copy words of the source, also those that it does not know (a "
                "pointer-generator); for names and numbers. Not for gru and lstm without attention")
      .absent_means("false");

  options.group(transformer_group);
  options.add("--decoder-width", c.decoder_width, from_0, "width of the decoder; 0: --width");
  options.add("--hidden", c.hidden, from_1, "hidden width of the feed-forward networks");
  options.add("--heads", c.heads, from_1, "attention heads; must divide the width");
  choice("--attention", c.score, "how each head scores a query and a key");
  choice("--attention-bias", c.attention_bias, "biases in the projections of attention");
  options.add(
      "--prune-heads", [&c](const std::string& text) { c.pruned_heads = parse_pruned_heads(text); },
      [&c] { return text_of(c.pruned_heads); }, {},
      "heads to switch off, as in encoder.blocks.0.attention:1,"
      "decoder.blocks.1.cross_attention:0");
  options.add("--encoder-blocks", c.encoder_blocks, from_1, "blocks of the encoder");
  options.add("--decoder-blocks", c.decoder_blocks, from_1, "blocks of the decoder");
  choice("--positions", c.positions, "positional encoding");
  choice("--position-mode", c.position_mode,
         "add positions, concatenate and project them, or split the width");
  choice("--position-place", c.position_place, "before the blocks, in each block, or after them");
  options.add("--position-width", c.position_width, from_1,
              "features that carry the position, for --position-mode split");
  options.add("--kernel", c.kernel, from_1, "kernel size of convolutional positions, in tokens");
  options.add("--max-distance", c.max_distance, from_1,
              "largest distance that relative positions tell apart");
  options.add_choice("--relative", c.relative_values, relative_choices,
                     "what relative positions are added to: keys, or keys and values");
  choice("--norm", c.norm, "normalize after or before each sublayer");
  choice("--normalization", c.normalization, "layer norm or RMS norm");
  choice("--activation", c.activation,
         "activation of the feed-forward networks; glu, geglu and swiglu are gated");
  choice("--tie", c.tied_embeddings,
         "share the target embedding with the output (decoder), or also with the source "
         "embedding, over one vocabulary (all)");

  options.group(recurrent_group);
  options.add("--layers", layers, from_1, "layers of the encoder, and of the decoder");
  options
      .add_flag("--bidirectional", bidirectional,
                "the encoder reads in both directions, each with half of the width")
      .absent_means("false");

  // Settings files of earlier versions have this option. Outside any group it is not in --help, and
  // without a default it is neither required nor written.
  options.group("");
  options.add(
      "--head-layout",
      [](const std::string& layout) {
        require(layout == "side-by-side", "head-layout: this version computes heads side by side ",
                "only; set head-layout=\"side-by-side\", the results are the same up to rounding");
      },
      [] { return ""; }, {}, "");
}

}  // namespace adjoint::seq2seq
