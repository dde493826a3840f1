// The next token: what the options demand of it, and how likely each is. For the searches, which
// need all of it, and not for their users.
#pragma once

#include <algorithm>

#include "nn/decoding/decoding.h"

namespace adjoint::nn {

/// One choice to be made: the token of this source's target that comes after `step` others.
struct Choice {
  Index source, step;
  Index forced;                  ///< the only token that may be chosen, or none
  Index excluded;                ///< a token that may not be chosen, or none
  std::span<const Index> never;  ///< nor may these, anywhere

  /// What the options demand there; they have to outlive it.
  Choice(Index source_number, Index step_number, const DecodingOptions& options);
  bool allows(Index id) const {
    if (forced != none) return id == forced;
    return id != excluded && std::ranges::find(never, id) == never.end();
  }
};

/// Error when the options contradict each other or do not fit so many sources.
void require_options(const DecodingOptions& options, std::size_t sources);
/// Error when they name tokens that a model of so many does not have.
void require_vocabulary(const DecodingOptions& options, Index tokens);
/// Error when there are no candidates for a choice.
void require_candidates(const Ids& candidates, const Choice& choice);

/// The distribution of one choice's token, in f64 whatever the logits' type.
class NextToken {
 public:
  /// Of a row of logits [rows, tokens]. Error when one of them is NaN or +∞, or all are −∞.
  NextToken(const Tensor& logits, Index row, const Choice& choice);

  double logit(Index id) const { return logits_[static_cast<std::size_t>(id)]; }
  /// log softmax(logits)(id), never above 0.
  double log_probability(Index id) const { return std::min(0.0, logit(id) - log_normaliser_); }
  /// The candidates: tokens that the choice allows and whose probability is not 0, lower ids first.
  Ids candidates() const;
  /// The likeliest `count` candidates, or all there are, best first; at ties the lower id first.
  Ids likeliest(Index count) const;

 private:
  Choice choice_;
  std::vector<double> logits_;
  double log_normaliser_;  // log Σ exp(logits)
};

}  // namespace adjoint::nn
