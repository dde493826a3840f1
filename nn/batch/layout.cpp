#include "nn/batch/layout.h"

#include <algorithm>

#include "autograd/ops.h"

namespace adjoint::nn {

Layout::Layout(std::vector<Index> lengths, Index steps)
    : lengths_(std::move(lengths)), steps_(steps) {
  for (const Index length : lengths_) {
    require(length >= 0, "layout: a length of ", length);
    require(is_packed() || length <= steps_, "layout: a length of ", length, " in a batch of ",
            steps_, " steps");
    begins_.push_back(rows_);
    rows_ = sum_of_sizes("layout", rows_, is_packed() ? length : steps_);
  }
  number_rows();
}

Layout Layout::placed(Index first_example, Index first_position) const {
  Layout result = *this;
  result.first_example_ = first_example;
  result.first_position_ = first_position;
  result.number_rows();
  return result;
}

Index Layout::steps() const {
  if (!is_packed()) return steps_;
  return lengths_.empty() ? 0 : *std::ranges::max_element(lengths_);
}

Tensor Layout::neighbours(Index behind, Index ahead) const {
  const Index count = sum_of_sizes("layout", behind, sum_of_sizes("layout", ahead, 1));
  Tensor result = adjoint::full({rows_, count}, none, DType::i64);
  const std::span<Index> out = result.edit<Index>();
  for (Index example = 0; example < examples(); ++example)
    for (Index step = 0; step < length(example); ++step)
      for (Index i = 0; i < count; ++i) {
        const Index other = step - behind + i, row = begin(example) + step;
        if (other >= 0 && other < length(example))
          out[static_cast<std::size_t>(row * count + i)] = begin(example) + other;
      }
  return result;
}

void Layout::number_rows() {
  positions_ = Tensor({{rows_}, DType::i64});
  row_numbers_ = Tensor({{rows_}, DType::i64});
  Index* position = positions_.edit<Index>().data();
  Index* number = row_numbers_.edit<Index>().data();
  for (Index example = 0; example < examples(); ++example) {
    const Index steps = is_packed() ? length(example) : steps_;
    for (Index step = 0; step < steps; ++step) {
      *position++ = first_position_ + step;
      *number++ = row_number(first_example_ + example, first_position_ + step);
    }
  }
}

}  // namespace adjoint::nn
