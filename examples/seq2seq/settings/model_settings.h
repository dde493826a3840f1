// What a run trains.
#pragma once

#include <memory>
#include <string>

#include "nn/models/recurrent_seq2seq.h"
#include "nn/models/transformer.h"

namespace CLI {
class App;
}

namespace adjoint::seq2seq {

struct ModelSettings {
  std::string model = "transformer";
  Index width = 256, decoder_width = 0, hidden = 64, heads = 4, encoder_blocks = 2,
        decoder_blocks = 2;
  double dropout = 0.2;
  std::string positions = "sinusoidal", norm = "post", activation = "relu";
  std::string position_mode = "add", position_place = "before", relative = "both";
  Index position_width = 64, kernel = 3, max_distance = 16;
  Index layers = 2;
  std::string normalization = "layer", tie = "none";
  std::string attention = "dot", attention_bias = "no", head_layout = "side-by-side";
  std::string prune_heads = "none";

  bool is_recurrent() const { return model != "transformer"; }
  void check() const;
  nn::TransformerConfig transformer(Index source_tokens, Index target_tokens,
                                    Index max_length) const;
  nn::RecurrentConfig recurrent(Index source_tokens, Index target_tokens) const;
  /// The model that these settings describe, drawn from the key.
  std::unique_ptr<nn::EncoderDecoder> make(Index source_tokens, Index target_tokens,
                                           Index max_length, Key key) const;

 private:
  void check_positions() const;
  nn::PositionOptions position_options() const;
};

/// Options that go with one kind of model only are in a group of its name.
constexpr auto transformer_group = "Transformer", recurrent_group = "Recurrent model";

void add_options(CLI::App& app, ModelSettings& settings);

}  // namespace adjoint::seq2seq
