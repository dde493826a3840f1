#include "examples/seq2seq/settings/model_settings.h"

#include <charconv>
#include <map>
#include <sstream>

#include "autograd/support/error.h"
#include "examples/seq2seq/settings/validators.h"

namespace adjoint::seq2seq {

namespace {
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

void ModelSettings::check() const {
  if (is_recurrent()) return;
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

void add_options(CLI::App& app, ModelSettings& s) {
  const std::string any = "Model", model = transformer_group, recurrent = recurrent_group;
  app.add_option("--model", s.model, "recurrent ones see one context, or attend (Bahdanau)")
      ->check(CLI::IsMember({"transformer", "gru", "lstm", "gru-attention", "lstm-attention"}))
      ->group(any);
  app.add_option("--width", s.width, "of embeddings, blocks and recurrent states")
      ->check(counting())
      ->group(any);
  app.add_option("--decoder-width", s.decoder_width, "the same of the decoder; 0: as --width")
      ->check(whole_number())
      ->group(model);
  app.add_option("--hidden", s.hidden, "width inside of the feed-forward networks")
      ->check(counting())
      ->group(model);
  app.add_option("--heads", s.heads, "of attention; must divide the width")
      ->check(counting())
      ->group(model);
  app.add_option("--attention", s.attention,
                 "how the score of a query and a key comes about, in each head")
      ->check(CLI::IsMember({"dot", "bilinear", "additive"}))
      ->group(model);
  app.add_option("--attention-bias", s.attention_bias, "biases in the projections of attention")
      ->check(CLI::IsMember({"no", "yes"}))
      ->group(model);
  app.add_option("--head-layout", s.head_layout,
                 "where the heads are meanwhile: in the width (one kernel, fast), or examples of a "
                 "larger batch in one of two orders, to compare")
      ->check(CLI::IsMember({"side-by-side", "batch-major", "head-major"}))
      ->group(model);
  app.add_option("--prune-heads", s.prune_heads,
                 "heads to switch off, as in encoder.blocks.0.attention:1,"
                 "decoder.blocks.1.cross_attention:0")
      ->group(model);
  app.add_option("--encoder-blocks", s.encoder_blocks, "layers that read the source")
      ->check(counting())
      ->group(model);
  app.add_option("--decoder-blocks", s.decoder_blocks, "layers that write the target")
      ->check(counting())
      ->group(model);
  app.add_option("--dropout", s.dropout, "share of the values left out at random in training")
      ->check(fraction())
      ->group(any);
  app.add_option("--positions", s.positions, "how a token knows its place")
      ->check(CLI::IsMember(all_positions))
      ->group(model);
  app.add_option("--position-mode", s.position_mode,
                 "positions are added, concatenated and projected back, or get a part of the width")
      ->check(CLI::IsMember(all_modes))
      ->group(model);
  app.add_option("--position-place", s.position_place,
                 "before the blocks, in each block, or after them")
      ->check(CLI::IsMember(all_places))
      ->group(model);
  app.add_option("--position-width", s.position_width,
                 "features that carry the position, for --position-mode split")
      ->check(counting())
      ->group(model);
  app.add_option("--kernel", s.kernel, "tokens that the filter of convolutional positions reads")
      ->check(counting())
      ->group(model);
  app.add_option("--max-distance", s.max_distance,
                 "relative positions tell no larger distances apart")
      ->check(counting())
      ->group(model);
  app.add_option("--relative", s.relative,
                 "what knows the distance with relative positions: keys, or keys and values")
      ->check(CLI::IsMember({"keys", "both"}))
      ->group(model);
  app.add_option("--norm", s.norm, "normalisation after or before each sublayer")
      ->check(CLI::IsMember({"post", "pre"}))
      ->group(model);
  app.add_option("--normalization", s.normalization,
                 "of mean and deviation (layer), or of the root mean square alone")
      ->check(CLI::IsMember(all_normalizations))
      ->group(model);
  app.add_option("--activation", s.activation,
                 "inside of the feed-forward networks; the last three are gates")
      ->check(CLI::IsMember({"relu", "gelu", "glu", "geglu", "swiglu"}))
      ->group(model);
  app.add_option("--tie", s.tie,
                 "one table for the target's embedding and the output (decoder), or for the "
                 "source's as well, with one vocabulary (all)")
      ->check(CLI::IsMember({"none", "decoder", "all"}))
      ->group(model);
  app.add_option("--layers", s.layers, "of the encoder, and of the decoder")
      ->check(counting())
      ->group(recurrent);
}

}  // namespace adjoint::seq2seq
