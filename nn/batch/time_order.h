// A batch of sequences in the order in which a recurrent layer reads it.
#pragma once

#include <vector>

#include "autograd/ops.h"
#include "nn/batch/layout.h"

namespace adjoint::nn {

/// The real rows of a batch, step by step: the first row of every example, then every second row,
/// and so on, the longest example first. The rows of a step are contiguous, and the batch shrinks
/// from its end as sequences finish. The order depends on the lengths only: rows arranged from one
/// layout can be restored to another.
///
///   a₀ a₁                     step 0    1     2
///   b₀ b₁ b₂    becomes       b₀ a₀ c₀  b₁ a₁ b₂
///   c₀
class TimeOrder {
 public:
  explicit TimeOrder(const Layout& layout);

  Index examples() const { return by_length_.numel(); }
  /// How many examples have a row at each step. Never increases.
  const std::vector<Index>& counts() const { return counts_; }

  /// Rows in this layout, [batch, steps, …] or [rows, …], in time order: [real rows, …].
  Tensor arrange(const Tensor& x) const;
  /// Undoes arrange(); padding becomes zeros.
  Tensor restore(const Tensor& x) const { return gather(x, reshape(places_, leading_)); }

  /// Rows in time order with every sequence back to front, again in time order: [real rows, …].
  /// Undoes itself.
  Tensor mirror(const Tensor& x) const;

  /// One value per example, [examples, …], sorted with the longest example first.
  Tensor sort(const Tensor& x) const { return gather(x, by_length_); }
  /// Undoes sort().
  Tensor unsort(const Tensor& x) const { return gather(x, rank_); }
  /// One value per example, [examples, …], repeated for each row of the example in time order:
  /// [real rows, …].
  Tensor spread(const Tensor& x) const { return gather(x, example_of_row_); }

  /// The layout's row_numbers() in time order.
  const Tensor& row_numbers() const { return row_numbers_; }

 private:
  Shape leading_;  // of the layout
  std::vector<Index> counts_;
  Tensor by_length_, rank_;  // i64 [examples]: examples, longest first; the rank of each example
  Tensor rows_;              // i64 [real rows]: row in the layout
  Tensor example_of_row_;    // i64 [real rows]
  Tensor places_;            // i64 [rows]: place in time order, or `none`
  Tensor row_numbers_;       // i64 [real rows]
};

}  // namespace adjoint::nn
