#include "examples/seq2seq/settings/model_settings.h"

#include <charconv>
#include <map>
#include <sstream>

namespace adjoint::seq2seq {

namespace {

constexpr auto transformer_group = "Transformer", recurrent_group = "Recurrent model";

const std::map<std::string, nn::Positions> all_positions = {
    {"none", nn::Positions::none},         {"sinusoidal", nn::Positions::sinusoidal},
    {"learned", nn::Positions::learned},   {"convolutional", nn::Positions::convolutional},
    {"rotary", nn::Positions::rotary},     {"alibi", nn::Positions::linear_biases},
    {"relative", nn::Positions::relative},
};
const std::map<std::string, nn::PositionMode> all_modes = {
    {"add", nn::PositionMode::add},
    {"concatenate", nn::PositionMode::concatenate},
    {"split", nn::PositionMode::split},
};
const std::map<std::string, nn::PositionPlace> all_places = {
    {"before", nn::PositionPlace::before},
    {"blocks", nn::PositionPlace::each_block},
    {"after", nn::PositionPlace::after},
};
const std::map<std::string, nn::Normalization> all_normalizations = {
    {"layer", nn::Normalization::layer},
    {"rms", nn::Normalization::rms},
};
const std::map<std::string, nn::Activation> all_activations = {
    {"relu", nn::Activation::relu},     {"gelu", nn::Activation::gelu},
    {"glu", nn::Activation::glu},       {"geglu", nn::Activation::geglu},
    {"swiglu", nn::Activation::swiglu},
};
const std::map<std::string, nn::TiedEmbeddings> all_ties = {
    {"none", nn::TiedEmbeddings::none},
    {"decoder", nn::TiedEmbeddings::decoder},
    {"all", nn::TiedEmbeddings::all},
};
const std::map<std::string, nn::Score> all_scores = {
    {"dot", nn::Score::dot_product},
    {"bilinear", nn::Score::bilinear},
    {"additive", nn::Score::additive},
};
const std::map<std::string, nn::HeadLayout> all_head_layouts = {
    {"side-by-side", nn::HeadLayout::side_by_side},
    {"batch-major", nn::HeadLayout::batch_major},
    {"head-major", nn::HeadLayout::head_major},
};

template <class Value>
std::vector<std::string> names_of(const std::map<std::string, Value>& values) {
  std::vector<std::string> names;
  for (const auto& [name, value] : values) names.push_back(name);
  return names;
}

// "encoder.blocks.0.attention:1,decoder.blocks.1.cross_attention:3"
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
}  // namespace

void ModelSettings::check(const Options& options) const {
  const std::string other_model = "cannot be used with --model " + model;
  options.require_for_group(!is_recurrent(), transformer_group, other_model);
  options.require_for_group(is_recurrent(), recurrent_group, other_model);
  if (!is_recurrent()) check_transformer();
}

void ModelSettings::check_transformer() const {
  require(width % heads == 0, "--heads: ", heads, " does not divide --width, ", width);
  require(decoder_width % heads == 0, "--heads: ", heads, " does not divide --decoder-width, ",
          decoder_width);
  require(tie != "all" || decoder_width == 0 || decoder_width == width,
          "--tie all: needs one width, --width is ", width, " and --decoder-width ", decoder_width);
  require(attention != "additive" || positions != "rotary",
          "--attention additive: does not go with --positions rotary, which needs a product");
  for (const nn::PrunedHead& pruned : parse_pruned_heads(prune_heads))
    require(pruned.head >= 0 && pruned.head < heads, "--prune-heads: there is no head ",
            pruned.head, " where --heads is ", heads);
  require(positions != "rotary" || width / heads % 2 == 0,
          "--positions rotary: needs heads of an even width, not ", width / heads);
  require(positions != "rotary" || decoder_width / heads % 2 == 0,
          "--positions rotary: needs heads of an even width, in the decoder not ",
          decoder_width / heads);
  require(positions != "relative" || (attention == "dot" && head_layout == "side-by-side"),
          "--positions relative: goes with --attention dot and --head-layout side-by-side only");
  check_positions();
  require(tie == "none" || position_mode != "split", "--tie ", tie,
          ": not with --position-mode split, the output reads the whole width");
}

void ModelSettings::check_positions() const {
  const bool split = position_mode == "split", filter = positions == "convolutional";
  if (!nn::is_encoding(all_positions.at(positions))) {
    const std::string why = ": --positions " + positions +
                            " has no encoding; sinusoidal, learned and convolutional have";
    require(position_mode == "add", "--position-mode ", position_mode, why);
    require(position_place == "before", "--position-place ", position_place, why);
  }
  require(!split || position_place == "before", "--position-mode split: not with --position-place ",
          position_place, ", the width is split where tokens are embedded, before the blocks");
  require(!split || position_width < width, "--position-width: ", position_width,
          " leaves nothing of --width, ", width, ", for the tokens");
  require(!filter || kernel >= 2, "--kernel: a filter of ", kernel, " does not see a neighbour");
  require(!split || !filter || 2 * position_width == width, "--position-width: ", position_width,
          " is not half of --width, ", width,
          ", which --positions convolutional with --position-mode split needs");
}

nn::PositionOptions ModelSettings::position_options() const {
  return {
      .mode = all_modes.at(position_mode),
      .place = all_places.at(position_place),
      .width = position_width,
      .taps = kernel,
      .max_distance = max_distance,
      .relative_values = relative == "both",
  };
}

nn::TransformerConfig ModelSettings::transformer(Index source_tokens, Index target_tokens,
                                                 Index max_length) const {
  return {
      .source_tokens = source_tokens,
      .target_tokens = target_tokens,
      .width = width,
      .decoder_width = decoder_width,
      .hidden = hidden,
      .heads = heads,
      .encoder_blocks = encoder_blocks,
      .decoder_blocks = decoder_blocks,
      .dropout = dropout,
      .max_length = max_length,
      .positions = all_positions.at(positions),
      .position_options = position_options(),
      .norm = norm == "post" ? nn::NormPlacement::post : nn::NormPlacement::pre,
      .normalization = all_normalizations.at(normalization),
      .activation = all_activations.at(activation),
      .attention_bias = attention_bias == "yes" ? nn::Bias::yes : nn::Bias::no,
      .score = all_scores.at(attention),
      .head_layout = all_head_layouts.at(head_layout),
      .pruned_heads = parse_pruned_heads(prune_heads),
      .tied_embeddings = all_ties.at(tie),
  };
}

nn::RecurrentConfig ModelSettings::recurrent(Index source_tokens, Index target_tokens) const {
  return {
      .source_tokens = source_tokens,
      .target_tokens = target_tokens,
      .cell = model.starts_with("lstm") ? nn::Cell::lstm : nn::Cell::gru,
      .embedding = width,
      .hidden = width,
      .layers = layers,
      .dropout = dropout,
  };
}

std::unique_ptr<nn::EncoderDecoder> ModelSettings::make(Index source_tokens, Index target_tokens,
                                                        Index max_length, Key key) const {
  if (!is_recurrent())
    return std::make_unique<nn::Transformer>(transformer(source_tokens, target_tokens, max_length),
                                             key);
  const nn::RecurrentConfig config = recurrent(source_tokens, target_tokens);
  if (model.ends_with("-attention")) return std::make_unique<nn::BahdanauSeq2Seq>(config, key);
  return std::make_unique<nn::RecurrentSeq2Seq>(config, key);
}

void ModelSettings::add_to(Options& options) {
  options.group("Model");
  options.add("--model", model, {"transformer", "gru", "lstm", "gru-attention", "lstm-attention"},
              "the architecture; -attention: with Bahdanau's attention");
  options.add("--width", width, from_1, "width of embeddings, blocks and recurrent states");
  options.add("--dropout", dropout, below_1, "dropout rate");

  options.group(transformer_group);
  options.add("--decoder-width", decoder_width, from_0, "width of the decoder; 0: --width");
  options.add("--hidden", hidden, from_1, "hidden width of the feed-forward networks");
  options.add("--heads", heads, from_1, "attention heads; must divide the width");
  options.add("--attention", attention, names_of(all_scores), "the score of a query and a key");
  options.add("--attention-bias", attention_bias, {"no", "yes"},
              "biases in the projections of attention");
  options.add("--head-layout", head_layout, names_of(all_head_layouts),
              "where the heads are during attention: in the width (one fast kernel), or in the "
              "batch, in one of two orders");
  options.add("--prune-heads", prune_heads,
              "heads to switch off, as in encoder.blocks.0.attention:1,"
              "decoder.blocks.1.cross_attention:0");
  options.add("--encoder-blocks", encoder_blocks, from_1, "blocks of the encoder");
  options.add("--decoder-blocks", decoder_blocks, from_1, "blocks of the decoder");
  options.add("--positions", positions, names_of(all_positions), "positional encoding");
  options.add("--position-mode", position_mode, names_of(all_modes),
              "add positions, concatenate and project them, or split the width");
  options.add("--position-place", position_place, names_of(all_places),
              "before the blocks, in each block, or after them");
  options.add("--position-width", position_width, from_1,
              "features that carry the position, for --position-mode split");
  options.add("--kernel", kernel, from_1, "kernel size of convolutional positions, in tokens");
  options.add("--max-distance", max_distance, from_1,
              "largest distance that relative positions tell apart");
  options.add("--relative", relative, {"keys", "both"},
              "what relative positions are added to: keys, or keys and values");
  options.add("--norm", norm, {"post", "pre"}, "normalize after or before each sublayer");
  options.add("--normalization", normalization, names_of(all_normalizations),
              "layer norm or RMS norm");
  options.add("--activation", activation, names_of(all_activations),
              "activation of the feed-forward networks; glu, geglu and swiglu are gated");
  options.add("--tie", tie, names_of(all_ties),
              "share the target embedding with the output (decoder), or also with the source "
              "embedding, over one vocabulary (all)");

  options.group(recurrent_group);
  options.add("--layers", layers, from_1, "layers of the encoder, and of the decoder");
}

}  // namespace adjoint::seq2seq
