// The model that a run trains, as options.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nn/models/recurrent_seq2seq.h"
#include "nn/models/transformer.h"

namespace CLI {
class App;
}

namespace adjoint::seq2seq {

struct ModelSettings {
  std::string model = "transformer";
  nn::TransformerConfig transformer;  ///< its width and dropout hold for recurrent models too
  Index layers = 2;                   ///< of recurrent models

  bool is_recurrent() const { return model != "transformer"; }
  bool one_vocabulary() const { return transformer.tied_embeddings == nn::TiedEmbeddings::all; }
  /// Error when the values of some options exclude each other; it names them.
  void check() const;
  /// The model that these settings describe, with initial weights drawn from the key.
  std::unique_ptr<nn::EncoderDecoder> make(Index source_tokens, Index target_tokens,
                                           Index max_length, Key key) const;
};

/// The groups of options that belong to one kind of model.
constexpr auto transformer_group = "Transformer", recurrent_group = "Recurrent model";

void add_options(CLI::App& app, ModelSettings& settings);

/// Whether a settings file may contain this option though the program no longer has it. Error for a
/// value that asks for more than the program does.
bool is_former_option(const std::string& name, const std::vector<std::string>& values);

}  // namespace adjoint::seq2seq
