#include "examples/seq2seq/model_settings.h"

#include <map>

#include "autograd/error.h"
#include "examples/seq2seq/validators.h"

namespace adjoint::seq2seq {

namespace {
const std::map<std::string, nn::Positions> all_positions = {
    {"none", nn::Positions::none},           {"sinusoidal", nn::Positions::sinusoidal},
    {"learned", nn::Positions::learned},     {"rotary", nn::Positions::rotary},
    {"alibi", nn::Positions::linear_biases},
};
}  // namespace

void ModelSettings::check() const {
  require(width % heads == 0, "--heads: ", heads, " does not divide --width, ", width);
  require(positions != "rotary" || width / heads % 2 == 0,
          "--positions rotary: needs heads of an even width, not ", width / heads);
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
      .norm = norm == "post" ? nn::NormPlacement::post : nn::NormPlacement::pre,
      .activation = activation == "relu" ? nn::Activation::relu : nn::Activation::gelu,
  };
}

void add_options(CLI::App& app, ModelSettings& s) {
  const std::string model = "Model";
  app.add_option("--width", s.width, "of embeddings and blocks")->check(counting())->group(model);
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
      ->group(model);
  app.add_option("--positions", s.positions, "how a token knows its place")
      ->check(CLI::IsMember(all_positions))
      ->group(model);
  app.add_option("--norm", s.norm, "layer norm after or before each sublayer")
      ->check(CLI::IsMember({"post", "pre"}))
      ->group(model);
  app.add_option("--activation", s.activation, "inside of the feed-forward networks")
      ->check(CLI::IsMember({"relu", "gelu"}))
      ->group(model);
}

}  // namespace adjoint::seq2seq
