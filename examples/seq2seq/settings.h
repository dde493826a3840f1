// What a run is told: every option of `seq2seq train`, and how it is stored with the model.
#pragma once

#include <filesystem>
#include <string>

#include "data/tokenizer.h"
#include "nn/transformer.h"

namespace CLI {
class App;
}

namespace adjoint::seq2seq {

/// The options with their defaults, which are those of the book's translation run (Zhang et al.,
/// Dive into Deep Learning, section 11.7) unless the help text says otherwise.
struct Settings {
  // Data
  std::string task;  ///< a toy task instead of a file of pairs
  std::string tokenizer = "words";
  Index min_frequency = 2;
  Index max_tokens = 60;
  Index symbols = 50, min_length = 1, max_length = 25, train_count = 20000;
  double held_out = 0.1, validation = 0.03;
  Index held_out_count = 1000;

  // Model
  Index width = 256, hidden = 64, heads = 4, encoder_blocks = 2, decoder_blocks = 2;
  double dropout = 0.2;
  std::string positions = "sinusoidal", norm = "post", activation = "relu";

  // Training
  Index epochs = 30, batch = 128, shards = 2;
  double learning_rate = 1e-3, clip = 1, smoothing = 0;
  std::string schedule = "constant";
  Index warm_up = 0;
  std::uint64_t seed = 1;

  /// Error, naming the option, when values do not go together.
  void check() const;
  data::Tokenizer make_tokenizer() const { return data::Tokenizer::from_name(tokenizer); }
  nn::TransformerConfig model(Index source_tokens, Index target_tokens) const;
  /// The longest target that decoding may make.
  Index decoding_limit() const { return max_tokens + 10; }
};

/// Declares each setting as an option of a command line.
void add_options(CLI::App& app, Settings& settings);

/// The settings as the text of a configuration file, and back. Errors name the file.
std::string to_text(const Settings& settings);
Settings read_settings(const std::filesystem::path& path);

}  // namespace adjoint::seq2seq
