#include "examples/seq2seq/model_settings.h"

#include <map>

#include "autograd/error.h"
#include "examples/seq2seq/validators.h"

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
}  // namespace

void ModelSettings::check() const {
  if (is_recurrent()) return;
  require(width % heads == 0, "--heads: ", heads, " does not divide --width, ", width);
  require(positions != "rotary" || width / heads % 2 == 0,
          "--positions rotary: needs heads of an even width, not ", width / heads);
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
  app.add_option("--hidden", s.hidden, "width inside of the feed-forward networks")
      ->check(counting())
      ->group(model);
  app.add_option("--heads", s.heads, "of attention; must divide the width")
      ->check(counting())
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
