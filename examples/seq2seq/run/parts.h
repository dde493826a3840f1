// The pairs of a run: read or made, cut into tokens, and split.
#pragma once

#include <string>
#include <vector>

#include "examples/seq2seq/model/model_folder.h"

namespace adjoint::seq2seq {

/// Three parts that share no source sentence, and the tokenizer that cut them.
struct Parts {
  data::Tokenizer tokenizer;
  std::vector<data::Pair> train, validation, held_out;
  Index skipped = 0;  ///< pairs that were too long
};

/// Reads a file of pairs; or one of sources and one of targets, unless `targets` is empty; or makes
/// the toy task that the settings name. The same settings and files give the same parts.
Parts prepare(const Settings& settings, const std::string& file, const std::string& targets);

/// A model as it begins, with the vocabularies of the training part only: what else is said is
/// unknown, as it would be later.
Model make_model(const Settings& settings, const Parts& parts);

/// Prints how many pairs, words and parameters there are, and how much of the other parts the
/// vocabularies do not know.
void describe(const Model& model, const Parts& parts);

}  // namespace adjoint::seq2seq
