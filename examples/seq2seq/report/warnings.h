// What deserves a second look in a training run.
#pragma once

#include "examples/seq2seq/report/scores.h"
#include "examples/seq2seq/run/records.h"

namespace adjoint::seq2seq {

/// A warning: a word or two, and a sentence that gives the figures and what can be done.
struct Warning {
  std::string title, text;
};

/// - not finite: a gradient or a loss was NaN or infinite
/// - diverged: the loss is over twice that of guessing
/// - plateau: in the last quarter of the epochs, three at least, the lowest training loss is less
///   than 1% below the lowest before
/// - memorising: the validation loss was lowest a fifth of the epochs ago, three at least, and the
///   training loss has fallen by 5% since
/// - lengths: the outputs have 10% more or fewer words than the references, or an output is more
///   than twice as long as its reference and ten words longer
/// - attention: the entropy of a head is over 95% of that of uniform weights
/// - updates: in the last quarter of the steps, the median of ‖Δw‖ / ‖w‖ is over 1/30 or under
///   1/100,000
/// - clipping: in the last quarter of the steps, more than nine of ten gradients were clipped
/// - incomplete: the records do not begin with the run
/// `scored` is null without held-out pairs.
std::vector<Warning> warnings(const Records& records, const Settings& settings, Index target_tokens,
                              const Scored* scored);

}  // namespace adjoint::seq2seq
