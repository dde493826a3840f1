// A trained model as a folder: weights.safetensors, source.vocabulary, target.vocabulary,
// settings.toml, and the pairs it has not seen, held-out.tsv.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/parallel_corpus.h"
#include "data/vocabulary.h"
#include "examples/seq2seq/settings.h"
#include "nn/transformer.h"

namespace adjoint::seq2seq {

struct Model {
  Settings settings;
  data::Vocabulary source, target;
  nn::Transformer network;

  Model(const Settings& settings, data::Vocabulary source, data::Vocabulary target);
};

/// Error when something stands at `folder` that saving would destroy and that is no model.
void require_replaceable(const std::filesystem::path& folder);

/// Writes all files beside the folder first and then exchanges it as a whole: a model that stood
/// there stays until the new one is complete.
void save(const Model& model, const std::vector<data::Pair>& held_out,
          const std::filesystem::path& folder);

/// Error, naming the file, when one is missing or does not fit the others.
Model load(const std::filesystem::path& folder);

/// Where save() puts the pairs that the model has not seen.
std::filesystem::path held_out_file(const std::filesystem::path& folder);

}  // namespace adjoint::seq2seq
