// The model that a run trains, as options.
#pragma once

#include <memory>
#include <string>

#include "examples/seq2seq/settings/options.h"
#include "nn/models/recurrent_seq2seq.h"
#include "nn/models/transformer.h"

namespace adjoint::seq2seq {

struct ModelSettings {
  std::string model = "transformer";
  nn::TransformerConfig transformer;  ///< its width and dropout hold for recurrent models too
  Index layers = 2;                   ///< of recurrent models

  void add_to(Options& options);
  /// Error, naming the options, when values contradict each other.
  void check(const Options& options) const;

  bool is_recurrent() const { return model != "transformer"; }
  bool one_vocabulary() const { return transformer.tied_embeddings == nn::TiedEmbeddings::all; }
  /// The model that these settings describe, with initial weights drawn from the key.
  std::unique_ptr<nn::EncoderDecoder> make(Index source_tokens, Index target_tokens,
                                           Index max_length, Key key) const;
};

}  // namespace adjoint::seq2seq
