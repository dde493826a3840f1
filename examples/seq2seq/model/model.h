// A trained model, its folder, and the files in it.
#pragma once

#include "examples/seq2seq/settings/settings.h"

namespace adjoint::seq2seq {

struct Model {
  Settings settings;
  data::Tokenizer tokenizer;
  data::Vocabulary source, target;
  std::unique_ptr<nn::EncoderDecoder> network;

  /// The network is freshly initialized.
  Model(const Settings& settings, data::Tokenizer tokenizer, data::Vocabulary source,
        data::Vocabulary target);

  /// A line as tokens. Error when it is longer than the model can read, or write.
  data::Tokens read_source(std::string_view line) const;
  data::Tokens read_target(std::string_view line) const;
};

constexpr auto weights_file = "weights.safetensors";
constexpr auto best_file = "best.safetensors";       ///< the best weights by validation
constexpr auto state_file = "training.safetensors";  ///< what a run needs to resume
constexpr auto settings_file = "settings.toml";

/// The names of all files that the folder of a model may hold.
extern const std::vector<std::string> model_files;

/// Writes everything but the weights: settings, vocabularies, and the held-out pairs.
void save_description(const Model& model, const std::vector<data::Pair>& held_out,
                      const std::filesystem::path& folder);

/// The file of a folder's weights. In the folder of a run that was killed, this is the best by
/// validation so far.
std::filesystem::path weights_of(const std::filesystem::path& folder);

/// Error, naming the file, when one is missing or does not match the others.
Model load(const std::filesystem::path& folder);

/// Error when the folder holds no model.
Settings load_settings(const std::filesystem::path& folder);

/// The pairs that the model was not trained on; empty if none were held out.
std::vector<data::Pair> load_held_out(const std::filesystem::path& folder, const Model& model);

/// The folder beside it that a run writes to until it is complete.
std::filesystem::path partial_folder(const std::filesystem::path& folder);

}  // namespace adjoint::seq2seq
