// What can be counted in a dataset before anything is trained.
#pragma once

#include "examples/seq2seq/run/dataset.h"

namespace adjoint::seq2seq {

/// One side of all pairs.
struct SideFigures {
  std::string tokenizer;                                 ///< as the option names it
  Index median = 0, most_have_at_most = 0, longest = 0;  ///< lengths in tokens; the second: of 95%
  Index longest_in_characters = 0;
  Index median_words = 0;  ///< the median length in words, between white space
  Index characters = 0;    ///< different ones, after tokenizing
  double with_blanks = 0;  ///< the fraction of sides with white space in them
  // Of the training split:
  Index tokens = 0, different = 0, once = 0;  ///< all tokens; different ones; those that occur once
  Index once_with_digits = 0;                 ///< those of them that have a digit
  Index known = 0;                            ///< tokens in the vocabulary
  // Fractions of the tokens that are unknown; empty for a split without pairs.
  std::optional<double> unknown_in_validation, unknown_in_held_out;
  /// The fraction of new tokens that will be unknown: in both splits together. Without either, each
  /// training token counts as if it had been left out of the vocabulary's text.
  double unknown = 0;
};

struct Figures {
  Index train = 0, validation = 0, held_out = 0;  ///< pairs
  Index sources = 0;                              ///< different ones
  Index repeated = 0;                             ///< pairs that have occurred before
  Index with_several_targets = 0;                 ///< different sources with different targets
  /// Pairs of the splits whose source is in the training split, too. Only splits that come from
  /// files of their own have any.
  Index validation_in_train = 0, held_out_in_train = 0;
  Index too_long = 0;                           ///< pairs left out
  Index longest_left_out = 0;                   ///< the longest side of these, in tokens
  std::vector<data::Corpus::Problem> problems;  ///< of the lines left out
  SideFigures source, target;

  Index pairs() const { return train + validation + held_out; }
};

/// Counts what `train` would learn from. Takes time in proportion to the text.
Figures measure(const Settings& settings, const Dataset& dataset, const Vocabularies& vocabularies);

}  // namespace adjoint::seq2seq
