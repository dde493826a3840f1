// A trained model as a folder: weights.safetensors, source.vocabulary, target.vocabulary,
// settings.toml, and the pairs it has not seen, held-out.tsv.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/parallel_corpus.h"
#include "data/vocabulary.h"
#include "examples/seq2seq/settings.h"

namespace adjoint::seq2seq {

struct Model {
  Settings settings;
  data::Vocabulary source, target;
  std::unique_ptr<nn::EncoderDecoder> network;

  Model(const Settings& settings, data::Vocabulary source, data::Vocabulary target);
};

/// Where a model will be saved. Made before training, so that a place that cannot be written shows
/// at once and not hours later. All files are written to a new folder beside it, which then takes
/// its place as a whole: a model that stood there stays until the new one is complete. Should the
/// place then be gone, the new model is left beside it, and the message says where.
class Destination {
 public:
  /// Error when the folder cannot be made, or when something stands there that is no model.
  explicit Destination(const std::filesystem::path& folder);
  ~Destination();
  Destination(const Destination&) = delete;
  Destination& operator=(const Destination&) = delete;

  void save(const Model& model, const std::vector<data::Pair>& held_out);

 private:
  std::filesystem::path folder_, partial_;
  bool complete_ = false;  // all files of a model have been written
};

/// Error, naming the file, when one is missing or does not fit the others.
Model load(const std::filesystem::path& folder);

/// Where save() puts the pairs that the model has not seen.
std::filesystem::path held_out_file(const std::filesystem::path& folder);

}  // namespace adjoint::seq2seq
