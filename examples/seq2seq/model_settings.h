// What a run trains.
#pragma once

#include <string>

#include "nn/transformer.h"

namespace CLI {
class App;
}

namespace adjoint::seq2seq {

struct ModelSettings {
  Index width = 256, hidden = 64, heads = 4, encoder_blocks = 2, decoder_blocks = 2;
  double dropout = 0.2;
  std::string positions = "sinusoidal", norm = "post", activation = "relu";
  std::string position_mode = "add", position_place = "before", relative = "both";
  Index position_width = 64, kernel = 3, max_distance = 16;

  void check() const;
  nn::TransformerConfig transformer(Index source_tokens, Index target_tokens,
                                    Index max_length) const;

 private:
  void check_positions() const;
  nn::PositionOptions position_options() const;
};

void add_options(CLI::App& app, ModelSettings& settings);

}  // namespace adjoint::seq2seq
