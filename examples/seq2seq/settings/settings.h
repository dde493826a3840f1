// What a run is told: every option of `seq2seq train`, and how it is stored with the model.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "examples/seq2seq/settings/data_settings.h"
#include "examples/seq2seq/settings/model_settings.h"
#include "examples/seq2seq/settings/training_settings.h"

namespace adjoint::seq2seq {

/// The options with their defaults, which are those of the book's translation run (Zhang et al.,
/// Dive into Deep Learning, section 11.7) unless the help text says otherwise.
struct Settings {
  DataSettings data;
  ModelSettings model;
  TrainingSettings training;

  /// The model that they describe, as it begins.
  std::unique_ptr<nn::EncoderDecoder> network(Index source_tokens, Index target_tokens) const;
};

/// Declares each setting as an option of a command line.
void add_options(CLI::App& app, Settings& settings);

/// Error, naming the option, when values do not go together: the app's own, once it has parsed.
void check(const CLI::App& app, const Settings& settings);

/// Takes options from a configuration file; what the command line says already stays. Error, naming
/// the file, for one that the app does not have or a value that is none.
void read_config(CLI::App& app, const std::filesystem::path& path);

/// The settings as the text of a configuration file, and back: there, none may be missing. Errors
/// name the file.
std::string to_text(const Settings& settings);
Settings read_settings(const std::filesystem::path& path);

/// What b has otherwise than a, by option: "--heads is 4 and not 2; …". Empty when nothing.
std::string difference(const Settings& a, const Settings& b);

}  // namespace adjoint::seq2seq
