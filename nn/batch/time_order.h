// A batch of sequences in the order in which a recurrent layer meets them.
#pragma once

#include <vector>

#include "autograd/ops.h"
#include "nn/batch/layout.h"

namespace adjoint::nn {

/// The real rows of a batch step by step: all first ones, then all second ones, …; at each step
/// those of the examples that are that long, the longest example first. So the rows of a step lie
/// together, the batch shrinks from the end as its sequences end, and padding is not there at all.
///
///   a₀ a₁                     step 0    1     2
///   b₀ b₁ b₂    becomes       b₀ a₀ c₀  b₁ a₁ b₂
///   c₀
class TimeOrder {
 public:
  explicit TimeOrder(const Layout& layout);

  Index examples() const { return by_length_.numel(); }
  /// How many examples have a row at each step: never more than at the step before.
  const std::vector<Index>& counts() const { return counts_; }

  /// Rows of the layout, [batch, steps, …] or [rows, …], in the order of time: [real rows, …].
  Tensor arrange(const Tensor& x) const;
  /// Back from there; padding is filled with zeros.
  Tensor restore(const Tensor& x) const;
  /// The same padded, [batch, steps, …], whatever the layout.
  Tensor restore_padded(const Tensor& x) const;

  /// What there is one of for each example, [examples, …]: the longest example first.
  Tensor sort(const Tensor& x) const { return gather(x, by_length_); }
  /// Back to the examples' own order.
  Tensor unsort(const Tensor& x) const { return gather(x, rank_); }
  /// Each example's, [examples, …] in their own order, for each of its rows: [real rows, …].
  Tensor spread(const Tensor& x) const { return gather(x, example_of_row_); }

  /// The layout's row_numbers(), for dropout.
  const Tensor& row_numbers() const { return row_numbers_; }

 private:
  Shape leading_;              // of the layout
  std::vector<Index> counts_;  // for each step
  Tensor by_length_, rank_;    // i64 [examples]: examples, the longest first; where each has gone
  Tensor rows_;                // i64 [real rows]: which row of the layout it is
  Tensor example_of_row_;      // i64 [real rows]
  Tensor places_, padded_;     // i64 [rows], [batch, steps]: where each row has gone, or `none`
  Tensor row_numbers_;         // i64 [real rows]
};

}  // namespace adjoint::nn
