// An attention pattern as padded tables: attention composed of other operations works on tensors
// [examples, heads, steps, d], whatever the layout of the batch.
#pragma once

#include "autograd/ops.h"

namespace adjoint {

/// The examples of a pattern, all padded to the longest one.
struct PaddedPattern {
  Index examples, queries, keys;  // queries and keys: of the longest example
  // i64 [examples, steps]: the row of each step; `none` for padding, for queries that may attend to
  // nothing and for keys that no query may attend to
  Tensor query_rows, key_rows;
  Tensor row_numbers;  // i64 [examples, queries]: row_number() of each query; 0 for padding
  Tensor allowed;      // b8 [examples, 1, queries, keys]: true = may attend

  explicit PaddedPattern(const AttentionPattern& pattern);

  /// The position of a query in its sequence.
  Index position(Index example, Index query) const {
    return row_numbers.values<Index>()[static_cast<std::size_t>(example * queries + query)] &
           0xffffffff;
  }

  /// Rows of queries […, heads·d] as [examples, heads, queries, d]; zeros for padding.
  Tensor split_queries(const Tensor& rows, Index heads) const;
  /// Rows of keys or values, in the same way.
  Tensor split_keys(const Tensor& rows, Index heads) const;
  /// Results [examples, heads, queries, d] as rows in the shape of the queries, […, heads·d]. Rows
  /// of no example are zeros.
  Tensor join(const Tensor& results, const Shape& queries_shape) const;

  /// What ALiBi adds to the scores, −slope · |distance|: [examples, heads, queries, keys].
  Tensor linear_biases(Index heads, DType dtype) const;
};

}  // namespace adjoint
