#include "nn/batch/time_order.h"

#include <algorithm>
#include <numeric>

namespace adjoint::nn {

TimeOrder::TimeOrder(const Layout& layout) : leading_(layout.leading()) {
  std::vector<Index> by_length(static_cast<std::size_t>(layout.examples()));
  std::iota(by_length.begin(), by_length.end(), Index{0});
  std::ranges::stable_sort(by_length, std::greater(),
                           [&](Index example) { return layout.length(example); });
  std::vector<Index> rank(by_length.size()), rows, example_of_row;
  for (std::size_t i = 0; i < by_length.size(); ++i)
    rank[static_cast<std::size_t>(by_length[i])] = static_cast<Index>(i);

  places_ = full({layout.rows()}, none, DType::i64);
  Index* const place = places_.edit<Index>().data();
  for (Index step = 0; step < layout.steps(); ++step) {
    const std::size_t before = rows.size();
    for (const Index example : by_length) {
      if (layout.length(example) <= step) break;
      const Index row = layout.begin(example) + step;
      place[row] = static_cast<Index>(rows.size());
      rows.push_back(row);
      example_of_row.push_back(example);
    }
    if (rows.size() == before) break;
    counts_.push_back(static_cast<Index>(rows.size() - before));
  }
  by_length_ = indices(by_length);
  rank_ = indices(rank);
  rows_ = indices(rows);
  example_of_row_ = indices(example_of_row);
  row_numbers_ = gather(layout.row_numbers(), rows_);
}

Tensor TimeOrder::arrange(const Tensor& x) const {
  const Index axes = leading_.rank();
  require(x.rank() >= axes && x.shape().part(0, axes) == leading_, "time order: the layout is ",
          leading_, ", x is ", x.shape());
  const Shape row = x.shape().part(axes, x.rank());
  return gather(reshape(x, places_.shape().joined(row)), rows_);  // [real rows, …]
}

// The rows of a step follow each other in order of rank, and count_s > rank for the steps s of the
// example with this rank.
Tensor TimeOrder::mirror(const Tensor& x) const {
  std::vector<Index> begins, lengths(static_cast<std::size_t>(examples()), 0), mirrored;
  Index rows = 0;
  for (const Index count : counts_) {
    begins.push_back(rows);
    rows += count;
    for (std::size_t rank = 0; rank < static_cast<std::size_t>(count); ++rank) ++lengths[rank];
  }
  for (Index step = 0; step < std::ssize(counts_); ++step)
    for (Index rank = 0; rank < counts_[static_cast<std::size_t>(step)]; ++rank) {
      const Index opposite = lengths[static_cast<std::size_t>(rank)] - 1 - step;
      mirrored.push_back(begins[static_cast<std::size_t>(opposite)] + rank);
    }
  return gather(x, indices(mirrored));  // [real rows, …]
}

}  // namespace adjoint::nn
