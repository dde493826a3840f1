// A trained model as a folder, and the files in it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/pairs/parallel_corpus.h"
#include "data/text/vocabulary.h"
#include "examples/seq2seq/settings/settings.h"

namespace adjoint::seq2seq {

struct Model {
  Settings settings;
  data::Tokenizer tokenizer;
  data::Vocabulary source, target;
  std::unique_ptr<nn::EncoderDecoder> network;

  Model(const Settings& settings, data::Tokenizer tokenizer, data::Vocabulary source,
        data::Vocabulary target);
};

constexpr auto weights_file = "weights.safetensors";
constexpr auto best_file = "best.safetensors";       ///< the weights that were best by validation
constexpr auto state_file = "training.safetensors";  ///< what a run needs to go on
constexpr auto settings_file = "settings.toml";

/// Writes all of a model but its weights, and the pairs that it has not seen.
void save_description(const Model& model, const std::vector<data::Pair>& held_out,
                      const std::filesystem::path& folder);

/// Error, naming the file, when one is missing or does not fit the others.
Model load(const std::filesystem::path& folder);

/// The folder beside it in which a run works until it is complete.
std::filesystem::path partial_folder(const std::filesystem::path& folder);

/// The pairs that the model has not seen.
std::filesystem::path held_out_file(const std::filesystem::path& folder);

/// The names of all files that a model's folder may hold.
const std::vector<std::string>& model_files();

}  // namespace adjoint::seq2seq
