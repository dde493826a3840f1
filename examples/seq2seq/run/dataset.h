// The dataset of a run: pairs that were read or generated, tokenized, and split.
#pragma once

#include "examples/seq2seq/model/model.h"

namespace adjoint::seq2seq {

/// Three splits that share no source sentence.
struct Dataset {
  data::Tokenizer tokenizer;
  std::vector<data::Pair> train, validation, held_out;
  Index skipped = 0;  ///< pairs left out because they are too long
};

/// Reads a file of pairs; or a file of sources and one of targets, if `targets` is not empty; or
/// generates the toy task of the settings. The same settings and files give the same dataset.
Dataset load_dataset(const Settings& settings, const std::string& file, const std::string& targets);

/// A freshly initialized model. Its vocabularies come from the training split alone, so that what
/// is unknown in the other splits is unknown to the model.
Model make_model(const Settings& settings, const Dataset& dataset);

/// Prints the numbers of pairs, words and parameters, and the rates of unknown words in the
/// validation and held-out splits.
void describe(const Model& model, const Dataset& dataset);

}  // namespace adjoint::seq2seq
