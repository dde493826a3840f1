// The layout of a batch: which rows of a tensor belong to which example.
#pragma once

#include <span>
#include <vector>

#include "autograd/tensor.h"

namespace adjoint::nn {

/// A batch of sequences of different lengths has one of two layouts:
///
///   padded  [batch, steps, width]: every example has as many rows, the last ones unused
///   packed  [rows, width]: the real rows only, example after example
///
/// Most layers act on each row alone. Attention, positions, recurrence and dropout need a layout.
class Layout {
 public:
  /// Error when a length is negative or exceeds `steps`.
  static Layout padded(std::vector<Index> lengths, Index steps) { return {lengths, steps}; }
  /// All examples of full length: what a plain [batch, steps, width] tensor means.
  static Layout full(Index batch, Index steps) {
    return {std::vector<Index>(static_cast<std::size_t>(batch), steps), steps};
  }
  static Layout packed(std::vector<Index> lengths) { return {lengths, packed_steps}; }

  /// The same rows as part of something larger: the first example is number `first_example` of the
  /// whole batch (a shard), and each first step has `first_position` in its sequence (decoding).
  Layout placed(Index first_example, Index first_position = 0) const;

  bool is_packed() const { return steps_ == packed_steps; }
  Index examples() const { return static_cast<Index>(lengths_.size()); }
  /// The number of rows of a tensor in this layout, padding included.
  Index rows() const { return rows_; }
  /// The leading axes of such a tensor: [batch, steps] or [rows].
  Shape leading() const { return is_packed() ? Shape{rows_} : Shape{examples(), steps_}; }
  /// The steps of a padded batch; the longest length of a packed one.
  Index steps() const;

  Index length(Index example) const { return lengths_[static_cast<std::size_t>(example)]; }
  const std::vector<Index>& lengths() const { return lengths_; }
  Index begin(Index example) const { return begins_[static_cast<std::size_t>(example)]; }
  Index first_position() const { return first_position_; }
  Index first_example() const { return first_example_; }

  /// The position of each row in its sequence: i64 [rows].
  const Tensor& positions() const { return positions_; }
  /// The row_number() of each row for dropout, by its example and position: i64 [rows].
  const Tensor& row_numbers() const { return row_numbers_; }
  /// The rows around each row, from `behind` before it to `ahead` after it: i64 [rows, behind + 1 +
  /// ahead]. They are `none` beyond the ends of a sequence and for padding.
  Tensor neighbours(Index behind, Index ahead) const;

 private:
  static constexpr Index packed_steps = -1;
  Layout(std::vector<Index> lengths, Index steps);
  void number_rows();

  std::vector<Index> lengths_, begins_;
  Index steps_, rows_ = 0, first_example_ = 0, first_position_ = 0;
  Tensor positions_, row_numbers_;
};

/// A list of indices as a tensor: i64 [n].
inline Tensor indices(std::span<const Index> values) {
  return from(values, {static_cast<Index>(values.size())});
}

}  // namespace adjoint::nn
