// What the searches share: sources in batches, and the next token of a target, which ones the
// options allow and how likely each is. Users of the searches do not need it.
#pragma once

#include <algorithm>

#include "autograd/support/threads.h"
#include "nn/decoding/decoding.h"

namespace adjoint::nn {

/// Enough rows in a batch for efficient matrix products, and few enough to keep all threads busy.
constexpr Index rows_per_batch = 32;

/// Collects what f(sources of a batch, number of the first) returns, for all batches, which are
/// spread over threads. Nothing is recorded. The size of a batch is fixed, so the number of threads
/// changes nothing; and each batch is done as soon as its own targets are.
template <class F>
auto in_batches(std::span<const Ids> sources, Index batch_size, const F& f) {
  const NoRecording guard;
  decltype(f(sources, Index{0})) results(sources.size());
  parallel_for(std::ssize(sources), batch_size, [&](Index begin, Index end) {
    const auto first = static_cast<std::size_t>(begin), last = static_cast<std::size_t>(end);
    std::ranges::move(f(sources.subspan(first, last - first), begin), results.begin() + begin);
  });
  return results;
}

/// One choice to make: the token after the first `step` tokens of this source's target.
struct Choice {
  Index source, step;
  const DecodingOptions& options;

  /// The token that the source's prefix demands here, or none.
  Index forced() const {
    if (options.prefixes.empty()) return none;
    const Ids& prefix = options.prefixes[static_cast<std::size_t>(source)];
    return step < std::ssize(prefix) ? prefix[static_cast<std::size_t>(step)] : none;
  }
  bool allows(Index id) const {
    if (const Index only = forced(); only != none) return id == only;
    const bool early_end = id == options.end && step < options.min_length;
    return !early_end && std::ranges::find(options.never, id) == options.never.end();
  }
};

/// Error if there are no candidates for a choice.
void require_candidates(const Ids& candidates, const Choice& choice);

/// The token with the largest logit in a row of [rows, tokens]. NaN counts as largest, so that it
/// is noticed.
Index argmax_of_row(const Tensor& logits, Index row);

/// The distribution of the next token, in f64 whatever the logits' dtype.
class NextToken {
 public:
  /// Takes a row of logits [rows, tokens]. Error if one of them is NaN or +∞, or all are −∞.
  NextToken(const Tensor& logits, Index row, const Choice& choice);

  double logit(Index id) const { return logits_[static_cast<std::size_t>(id)]; }
  /// log softmax(logits)(id), never above 0.
  double log_probability(Index id) const { return std::min(0.0, logit(id) - log_normaliser_); }
  /// The tokens that the choice allows and whose probability is not 0, lower ids first.
  Ids candidates() const;
  /// The likeliest `count` candidates, or all if there are fewer; best first, ties by id.
  Ids likeliest(Index count) const;

 private:
  Choice choice_;
  std::vector<double> logits_;
  double log_normaliser_;  // log Σ exp(logits)
};

}  // namespace adjoint::nn
