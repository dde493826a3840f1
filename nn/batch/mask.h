// Who may attend to whom. True always means: may attend.
#pragma once

#include <memory>

#include "autograd/ops.h"
#include "nn/batch/layout.h"

namespace adjoint::nn {

/// A mask is structural: it knows which rows are whose, and restricts that by any combination of
/// valid lengths, causality, and explicit booleans. It is never a tensor of large negative numbers.
/// A query that may attend to nothing gets zeros and sends back no gradient.
class Mask {
 public:
  /// Each query sees the real keys of its own example.
  Mask(const Layout& queries, const Layout& keys);
  /// The same for plain tensors [batch, queries, width] and [batch, keys, width].
  static Mask full(Index batch, Index queries, Index keys);

  /// A query at position p sees the keys 0 … p. The position of the first query is the layout's
  /// first_position().
  Mask causal() const;
  /// Only the first so many keys: valid lengths i64 [batch], or [batch, queries] of a padded
  /// layout.
  Mask with_lengths(const Tensor& lengths) const;
  /// Only where true: b8 [batch, queries, keys] of a padded layout; a first axis of 1 stands for
  /// all.
  Mask with_allowed(const Tensor& allowed) const;

  /// The position of each row in its sequence: i64 [rows].
  const Tensor& query_positions() const { return query_positions_; }
  const Tensor& key_positions() const { return key_positions_; }
  /// What the attention operation takes.
  const std::shared_ptr<const AttentionPattern>& pattern() const { return pattern_; }
  /// All of it written out: b8 [batch, queries, keys], with the steps of padded layouts.
  Tensor dense() const;

 private:
  Mask with(AttentionPattern pattern) const;

  std::shared_ptr<const AttentionPattern> pattern_;
  Tensor query_positions_, key_positions_;
  Index query_rows_, query_steps_, key_steps_;
};

}  // namespace adjoint::nn
