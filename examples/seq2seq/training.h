// Training a model from settings.
#pragma once

#include <filesystem>

#include "examples/seq2seq/model_folder.h"

namespace adjoint::seq2seq {

/// The pairs of a run, in three parts that share no source sentence.
struct Parts {
  std::vector<data::Pair> train, validation, held_out;
};

/// Reads the file of pairs, or makes the toy task that the settings name.
Parts prepare(const Settings& settings, const std::string& file);

/// Trains on parts.train, printing the loss after each epoch. After an interrupt (Ctrl-C) it ends
/// with the batch at hand; `interrupted` tells.
struct Trained {
  Model model;
  bool interrupted;
};
Trained train(const Settings& settings, const Parts& parts);

}  // namespace adjoint::seq2seq
