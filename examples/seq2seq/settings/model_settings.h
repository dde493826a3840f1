// The model that a run trains.
#pragma once

#include <memory>
#include <string>

#include "examples/seq2seq/settings/options.h"
#include "nn/models/recurrent_seq2seq.h"
#include "nn/models/transformer.h"

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

  void add_to(Options& options);
  /// Error, naming the option, when values contradict each other.
  void check(const Options& options) const;

  bool is_recurrent() const { return model != "transformer"; }
  bool one_vocabulary() const { return tie == "all"; }
  nn::TransformerConfig transformer(Index source_tokens, Index target_tokens,
                                    Index max_length) const;
  nn::RecurrentConfig recurrent(Index source_tokens, Index target_tokens) const;
  /// The model that these settings describe, drawn from the key.
  std::unique_ptr<nn::EncoderDecoder> make(Index source_tokens, Index target_tokens,
                                           Index max_length, Key key) const;

 private:
  void check_transformer() const;
  void check_positions() const;
  nn::PositionOptions position_options() const;
};

}  // namespace adjoint::seq2seq
