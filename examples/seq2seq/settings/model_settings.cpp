#include "examples/seq2seq/settings/model_settings.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>

#include "autograd/support/error.h"
#include "examples/seq2seq/settings/validators.h"

namespace adjoint::seq2seq {

// ---- The model ---------------------------------------------------------------------------------

namespace {

// The option that sets a field of the configuration.
std::string option_of(const std::string& field) {
  static const std::map<std::string, std::string> others = {
      {"score", "--attention"}, {"tied_embeddings", "--tie"}, {"pruned_heads", "--prune-heads"}};
  if (const auto other = others.find(field); other != others.end()) return other->second;
  std::string option = "--" + field;
  std::ranges::replace(option, '_', '-');
  return option;
}

}  // namespace

void ModelSettings::check() const {
  if (is_recurrent()) return;
  nn::TransformerConfig config = transformer;
  config.source_tokens = config.target_tokens = 1;  // not known before the data are read
  config.check(option_of);
}

std::unique_ptr<nn::EncoderDecoder> ModelSettings::make(Index source_tokens, Index target_tokens,
                                                        Index max_length, Key key) const {
  if (!is_recurrent()) {
    nn::TransformerConfig config = transformer;
    config.source_tokens = source_tokens;
    config.target_tokens = target_tokens;
    config.max_length = max_length;
    return std::make_unique<nn::Transformer>(config, key);
  }
  const nn::RecurrentConfig config{
      .source_tokens = source_tokens,
      .target_tokens = target_tokens,
      .cell = model.starts_with("lstm") ? nn::Cell::lstm : nn::Cell::gru,
      .embedding = transformer.width,
      .hidden = transformer.width,
      .layers = layers,
      .dropout = transformer.dropout,
  };
  if (model.ends_with("-attention")) return std::make_unique<nn::BahdanauSeq2Seq>(config, key);
  return std::make_unique<nn::RecurrentSeq2Seq>(config, key);
}

// ---- Options -----------------------------------------------------------------------------------

namespace {

// An option whose values are the names of choices.
template <class Value>
CLI::Option* add_choice(CLI::App& app, const std::string& name, Value& value,
                        const nn::Choices<Value>& choices, const std::string& help) {
  const auto choose = [&value, &choices](const std::string& text) {
    for (const auto& [known, choice] : choices)
      if (known == text) value = choice;
  };
  const auto chosen = [&value, &choices] {
    for (const auto& [known, choice] : choices)
      if (choice == value) return known;
    return std::string();
  };
  return app.add_option_function<std::string>(name, choose, help)
      ->check(CLI::IsMember(choices))
      ->default_function(chosen);
}

// "encoder.blocks.0.attention:1,decoder.blocks.1.cross_attention:3", or "none"
std::vector<nn::PrunedHead> parse_pruned_heads(const std::string& text) {
  std::vector<nn::PrunedHead> heads;
  if (text == "none") return heads;
  std::istringstream items(text);
  for (std::string item; std::getline(items, item, ',');) {
    const std::size_t colon = item.find(':');
    Index head = 0;
    const bool valid = colon != std::string::npos && [&] {
      const char *const begin = item.data() + colon + 1, *const end = item.data() + item.size();
      return begin != end && std::from_chars(begin, end, head).ptr == end;
    }();
    require(valid, "--prune-heads: '", item, "' is not a LAYER:HEAD");
    heads.push_back({item.substr(0, colon), head});
  }
  return heads;
}

std::string text_of(const std::vector<nn::PrunedHead>& heads) {
  std::string text;
  for (const auto& [layer, head] : heads)
    text += (text.empty() ? "" : ",") + layer + ":" + std::to_string(head);
  return text.empty() ? "none" : text;
}

}  // namespace

void add_options(CLI::App& app, ModelSettings& s) {
  nn::TransformerConfig& c = s.transformer;
  const std::string any = "Model";
  const auto number = [&](const char* name, Index& value, const char* help) {
    return app.add_option(name, value, help)->check(counting())->group(transformer_group);
  };
  const auto choice = [&]<class Choice>(const char* name, Choice& value, const char* help) {
    add_choice(app, name, value, nn::choices<Choice>, help)->group(transformer_group);
  };
  static const nn::Choices<bool> relative = {{"keys", false}, {"both", true}};

  app.add_option("--model", s.model, "recurrent models see one context, or attend (Bahdanau)")
      ->check(CLI::IsMember({"transformer", "gru", "lstm", "gru-attention", "lstm-attention"}))
      ->group(any);
  number("--width", c.width, "of embeddings, blocks and recurrent states")->group(any);
  app.add_option("--decoder-width", c.decoder_width, "width of the decoder; 0: the same as --width")
      ->check(whole_number())
      ->group(transformer_group);
  number("--hidden", c.hidden, "width inside the feed-forward networks");
  number("--heads", c.heads, "of attention; must divide the width");
  choice("--attention", c.score, "how each head scores a query and a key");
  choice("--attention-bias", c.attention_bias, "biases in the projections of attention");
  app.add_option_function<std::string>(
         "--prune-heads",
         [&c](const std::string& text) { c.pruned_heads = parse_pruned_heads(text); },
         "heads to switch off, such as encoder.blocks.0.attention:1,"
         "decoder.blocks.1.cross_attention:0")
      ->default_function([&c] { return text_of(c.pruned_heads); })
      ->group(transformer_group);
  number("--encoder-blocks", c.encoder_blocks, "layers that read the source");
  number("--decoder-blocks", c.decoder_blocks, "layers that write the target");
  app.add_option("--dropout", c.dropout, "share of values that training zeroes at random")
      ->check(fraction())
      ->group(any);
  choice("--positions", c.positions, "how a token knows its place");
  choice("--position-mode", c.position_mode,
         "add encodings, concatenate and project back, or give them a part of the width");
  choice("--position-place", c.position_place, "before the blocks, in each block, or after them");
  number("--position-width", c.position_width,
         "features that carry the position, for --position-mode split");
  number("--kernel", c.kernel, "tokens that the filter of convolutional positions reads");
  number("--max-distance", c.max_distance, "largest distance that relative positions tell apart");
  add_choice(app, "--relative", c.relative_values, relative,
             "relative positions: vectors for keys, or for keys and values")
      ->group(transformer_group);
  choice("--norm", c.norm, "normalise after or before each sublayer");
  choice("--normalization", c.normalization,
         "by mean and deviation (layer), or by the root mean square alone");
  choice("--activation", c.activation,
         "inside the feed-forward networks; the last three are gates");
  choice("--tie", c.tied_embeddings,
         "one table for the target's embedding and the output (decoder), or for the source's too, "
         "with one vocabulary (all)");
  number("--layers", s.layers, "of the encoder, and of the decoder")->group(recurrent_group);
}

bool is_former_option(const std::string& name, const std::vector<std::string>& values) {
  if (name != "head-layout") return false;
  require(values == std::vector<std::string>{"side-by-side"}, "head-layout: this version computes ",
          "heads side by side only; set head-layout=\"side-by-side\", the results are the same up ",
          "to rounding");
  return true;
}

}  // namespace adjoint::seq2seq
