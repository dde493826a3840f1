// The layout of a batch: which rows of a tensor belong to which example.
#pragma once

#include <vector>

#include "autograd/tensor.h"

namespace adjoint::nn {

/// A batch of sequences of different lengths is held in one of two ways:
///   padded  [batch, steps, width]: every example has the same number of rows, the last ones
///   unused; packed  [rows, width]: the real rows only, example after example.
/// Most layers act on each row alone and need not know. Attention, positions and dropout ask here.
class Layout {
 public:
  /// Error when a length is negative or more than `steps`.
  static Layout padded(std::vector<Index> lengths, Index steps);
  /// All examples of full length: what a plain [batch, steps, width] tensor means.
  static Layout full(Index batch, Index steps);
  static Layout packed(std::vector<Index> lengths);

  /// The same rows as part of something larger: its examples count from `first_example` in the
  /// whole batch, its steps from `first_position` in the sequence (decoding goes on where it
  /// stopped).
  Layout placed(Index first_example, Index first_position = 0) const;

  bool is_packed() const { return steps_ == packed_steps; }
  Index examples() const { return static_cast<Index>(lengths_.size()); }
  /// Rows of a tensor in this layout, padding included.
  Index rows() const { return rows_; }
  /// The leading axes of such a tensor: [batch, steps] or [rows].
  Shape leading() const;
  /// The steps of a padded batch; of a packed one, those of its longest example.
  Index steps() const;
  /// Rows that are no padding.
  Index real_rows() const;

  Index length(Index example) const { return lengths_[static_cast<std::size_t>(example)]; }
  const std::vector<Index>& lengths() const { return lengths_; }
  Index begin(Index example) const { return begins_[static_cast<std::size_t>(example)]; }
  Index first_position() const { return first_position_; }
  Index first_example() const { return first_example_; }

  /// The step of each row within its sequence: i64 [rows].
  const Tensor& positions() const { return positions_; }
  /// The rows from `behind` before each row to `ahead` after it, in order: i64 [rows, behind + 1 +
  /// ahead]; `none` beyond the ends of its sequence, and all around padding.
  Tensor neighbours(Index behind, Index ahead) const;
  /// A number for each row that names its example and step, in whatever layout: i64 [rows].
  const Tensor& row_numbers() const { return row_numbers_; }

 private:
  static constexpr Index packed_steps = -1;
  Layout(std::vector<Index> lengths, Index steps);
  void number_rows();

  std::vector<Index> lengths_, begins_;
  Index steps_, rows_ = 0, first_example_ = 0, first_position_ = 0;
  Tensor positions_, row_numbers_;
};

}  // namespace adjoint::nn
