// The pairs of a run: read from files or generated, cut into tokens, and split.
#pragma once

#include "data/pairs/alignment.h"
#include "examples/seq2seq/model/model.h"

namespace adjoint::seq2seq {

/// The files that a dataset is read from, by name; "-" is standard input.
struct InputFiles {
  std::string pairs;    ///< or sources, if there are targets
  std::string targets;  ///< one for each line of `pairs`
  std::string valid, test;
  std::string alignment;  ///< word alignments, a line for each line of `pairs`

  void add_to(Options& options);
  /// Those that were given.
  std::vector<std::string> names() const;
};

/// The same, read. A part that was not given is empty.
struct InputTexts {
  std::optional<data::TextLines> pairs, targets, valid, test, alignment;
};

/// Error when a file cannot be read, or when standard input is named twice.
InputTexts read(const InputFiles& files);

/// Three splits. Those that are drawn from one file share no source sentence.
struct Dataset {
  data::Tokenizers tokenizers;
  std::vector<data::Pair> train, validation, held_out;
  std::vector<data::Links> alignments;          ///< of the tokens of `train`, if they are given
  Index skipped = 0;                            ///< pairs left out because they are too long
  Index longest_left_out = 0;                   ///< the longest side of these, in tokens
  std::vector<data::Corpus::Problem> problems;  ///< of the lines left out: they are not pairs
};

/// The dataset of these texts, or the toy task of the settings. The same settings and texts give
/// the same dataset. Subwords are learned from the training split unless they are given. Error if
/// there is no text and no task, or both.
Dataset load_dataset(const Settings& settings, InputTexts texts,
                     const std::optional<data::Subwords>& subwords = {});

/// The tokens that the vocabularies are made of: those of the training split. With --tie all, both
/// are those of both sides.
struct TrainingText {
  std::vector<data::Tokens> sources, targets;
};
TrainingText training_text(const Settings& settings, const Dataset& dataset);

/// The vocabularies come from the training split alone, so that what is unknown in the other splits
/// is unknown to the model.
struct Vocabularies {
  data::Vocabulary source, target;
};
Vocabularies make_vocabularies(const Settings& settings, const Dataset& dataset);

/// A freshly initialized model with these vocabularies.
Model make_model(const Settings& settings, const Dataset& dataset);

}  // namespace adjoint::seq2seq
