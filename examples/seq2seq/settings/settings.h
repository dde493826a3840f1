// Everything a run is configured with: the options of `seq2seq train`, also stored with the model.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "examples/seq2seq/settings/data_settings.h"
#include "examples/seq2seq/settings/model_settings.h"
#include "examples/seq2seq/settings/training_settings.h"

namespace adjoint::seq2seq {

/// The defaults are those of the book's translation run (Zhang et al., Dive into Deep Learning,
/// section 11.7) unless the help text says otherwise.
struct Settings {
  DataSettings data;
  ModelSettings model;
  TrainingSettings training;

  void add_to(Options& options);
  /// Error, naming the option, when values contradict each other. `options` are those that the
  /// settings were added to, after parsing.
  void check(const Options& options) const;

  /// The model that they describe, freshly initialized.
  std::unique_ptr<nn::EncoderDecoder> network(Index source_tokens, Index target_tokens) const;

  /// The text of a settings file.
  std::string to_text() const;
  /// Reads what to_text() wrote. Every setting must be present. Errors name the file.
  static Settings read(const std::filesystem::path& path);
  /// Names and values as they stand in the file.
  std::vector<std::pair<std::string, std::string>> values() const;
};

/// What differs in b: "--heads is 4, not 2; …". Empty if nothing does.
std::string difference(const Settings& a, const Settings& b);

}  // namespace adjoint::seq2seq
