// A trained model, its folder, and the files in it.
#pragma once

#include "examples/seq2seq/settings/settings.h"
#include "nn/translation/model_folder.h"
#include "nn/translation/open_folder.h"

namespace adjoint::seq2seq {

/// A model with the settings of the run that trained it.
struct Model : nn::TranslationModel {
  Settings settings;
  /// The folder that the model was loaded from, which may be read again: another run may put a new
  /// folder in its place. Null for a new model.
  std::shared_ptr<const nn::OpenFolder> folder = {};

  /// The network is freshly initialized.
  Model(const Settings& settings, data::Tokenizers tokenizers, data::Vocabulary source,
        data::Vocabulary target);
  Model(nn::TranslationModel model, const Settings& of_run)
      : TranslationModel(std::move(model)), settings(of_run) {}
};

using nn::weights_file, nn::settings_file;
constexpr auto best_file = "best.safetensors";       ///< the best weights by validation
constexpr auto state_file = "training.safetensors";  ///< what a run needs to resume
constexpr auto records_file = "records.jsonl";       ///< what its run wrote down for the report

/// The names of all files that the folder of a model may hold, besides those of epochs.
extern const std::vector<std::string> model_files;

/// The weights after an epoch: "epoch-12.safetensors".
std::string epoch_file(Index epoch);
/// The epoch of such a name; empty for any other.
std::optional<Index> epoch_of(const std::string& name);

/// Whether the folder of a model may hold a file of this name.
bool is_model_file(const std::string& name);

/// The names of the model's files that are in this folder; none if there is no such folder.
std::vector<std::string> files_of_model(const std::filesystem::path& folder);

/// Writes everything but the weights: settings, vocabularies, and the held-out pairs.
void save_description(const Model& model, const std::vector<data::Pair>& held_out,
                      const std::filesystem::path& folder);

/// The folder of a model, which is named by its folder or by a file of weights in it, such as those
/// of an epoch.
std::filesystem::path folder_of(const std::filesystem::path& model);

/// The file of a model's weights. If the run was killed, that is the file of the best weights so
/// far.
std::filesystem::path weights_of(const std::filesystem::path& model);

/// The metadata for weights in this folder: the settings of data and model, and the digest of each
/// of the other files, as save_description() wrote them.
nn::Metadata weights_metadata(const Settings& settings, const std::filesystem::path& folder);

/// As nn::load_model(), whose folders it reads too, with the settings of the run. Weights without
/// metadata, which earlier versions saved, are not compared with the other files.
Model load(const std::filesystem::path& model);

/// How text becomes ids: what a run takes from its pairs before the first step.
struct Lexicon {
  data::Tokenizers tokenizers;
  data::Vocabulary source, target;
};

/// Reads the lexicon of a model with these settings. Errors name the file.
Lexicon load_lexicon(const std::filesystem::path& folder, const Settings& settings);

/// Error when the folder holds no model.
Settings load_settings(const std::filesystem::path& folder);

/// The names and values of those settings that the folder's file has: one that no run wrote lacks
/// those of a run.
std::vector<std::pair<std::string, std::string>> stored_settings(
    const std::filesystem::path& folder);

/// The pairs that the model was not trained on; empty if none were held out, or if no run trained
/// the model. Error if they are not those of the loaded model.
std::vector<data::Pair> load_held_out(const std::filesystem::path& folder, const Model& model);

/// The folder beside it that a run writes to until it is complete.
std::filesystem::path partial_folder(const std::filesystem::path& folder);

}  // namespace adjoint::seq2seq
