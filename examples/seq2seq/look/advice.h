// What to change, from what was counted before a training and what came out of it.
#pragma once

#include "examples/seq2seq/look/figures.h"
#include "examples/seq2seq/run/run.h"

namespace adjoint::seq2seq {

/// A line of advice: what was found, a colon, and the options that change it.
struct Advice {
  std::string rule;  ///< its name in the tables of advice.cpp
  std::string text;
};

/// Advice about the data, with these settings. Empty if no rule applies.
std::vector<Advice> advise(const Settings& settings, const Figures& figures);

/// What a run has come to.
struct Outcome {
  std::vector<EpochResult> epochs;  ///< of this process, if it resumed a run
  Index target_tokens = 0;          ///< the size of the vocabulary
  std::optional<double> held_out_bleu = {};
};

/// Advice about a run that went wrong.
std::vector<Advice> advise(const Settings& settings, const Figures& figures,
                           const Outcome& outcome);

}  // namespace adjoint::seq2seq
