// Which query may attend to which key. True always means: may attend.
#pragma once

#include <memory>

#include "autograd/ops/attention_pattern.h"
#include "nn/batch/layout.h"

namespace adjoint::nn {

/// A mask is structure, never a tensor of large negative numbers: it knows which rows belong to
/// which example, and any combination of valid lengths, causality and explicit booleans restricts
/// them further. A query that may attend to nothing gets zeros and sends back no gradient.
class Mask {
 public:
  /// Each query sees the real keys of its own example.
  Mask(const Layout& queries, const Layout& keys);
  /// The same for plain tensors [batch, queries, width] and [batch, keys, width].
  static Mask full(Index batch, Index queries, Index keys) {
    return {Layout::full(batch, queries), Layout::full(batch, keys)};
  }

  /// A query at position p sees keys 0 … p. The layout's first_position() is the position of the
  /// first query.
  Mask causal() const;
  /// A query sees only the first n keys. Valid lengths n are i64 [batch], or [batch, queries] for a
  /// padded layout.
  Mask with_lengths(const Tensor& lengths) const;
  /// A query sees a key only where this is true: b8 [batch, queries, keys] for a padded layout, or
  /// [1, queries, keys] for all examples alike.
  Mask with_allowed(const Tensor& allowed) const;

  /// The position of each row in its sequence: i64 [rows].
  const Tensor& query_positions() const { return query_positions_; }
  const Tensor& key_positions() const { return key_positions_; }
  /// Which rows of queries may attend to some key: b8 [rows]. False for padding.
  Tensor attending_queries() const { return taking_part(true); }
  /// Which rows of keys some query may attend to: b8 [rows].
  Tensor attended_keys() const { return taking_part(false); }
  /// The mask as attention() takes it.
  const std::shared_ptr<const AttentionPattern>& pattern() const { return pattern_; }
  /// The mask for attention composed of other operations.
  PaddedPattern padded() const { return PaddedPattern(*pattern_); }
  /// The mask as a tensor: b8 [batch, queries, keys], with the steps of padded layouts.
  Tensor dense() const { return pattern_->dense(query_steps_, key_steps_); }

 private:
  Mask with(AttentionPattern pattern) const;
  Tensor taking_part(bool queries) const;

  std::shared_ptr<const AttentionPattern> pattern_;
  Tensor query_positions_, key_positions_;
  Index query_rows_, query_steps_, key_steps_;
};

}  // namespace adjoint::nn
