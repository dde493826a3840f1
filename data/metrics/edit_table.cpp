#include "data/metrics/edit_table.h"

#include <algorithm>
#include <cmath>

namespace adjoint::data {

EditTable::EditTable(const Words& hypothesis, const Words& reference)
    : rows_(std::ssize(hypothesis) + 1),
      columns_(std::ssize(reference) + 1),
      cells_((hypothesis.size() + 1) * (reference.size() + 1)) {
  for (Position j = 0; j < columns_; ++j) at(0, j) = {j, Step::insert};
  if (hypothesis.empty()) return;
  constexpr Position half_width = 25;  // tercom's
  const double slope = static_cast<double>(columns_ - 1) / static_cast<double>(rows_ - 1);
  // The bands of neighbouring rows must overlap, even if the reference is much longer.
  const Position width = slope / 2 > half_width
                             ? static_cast<Position>(std::ceil(slope / 2 + half_width))
                             : half_width;
  for (Position i = 1; i < rows_; ++i) {
    const auto diagonal = static_cast<Position>(std::floor(static_cast<double>(i) * slope));
    const Position end = i + 1 == rows_ ? columns_ : std::min(columns_, diagonal + width);
    for (Position j = std::max<Position>(0, diagonal - width); j < end; ++j)
      fill(i, j, j > 0 && hypothesis.begin()[i - 1] == reference.begin()[j - 1]);
  }
}

void EditTable::fill(Position i, Position j, bool same) {
  Cell best;
  const auto consider = [&best](std::int64_t distance, Step step) {
    if (distance < best.distance) best = {distance, step};
  };
  if (j > 0)
    consider(at(i - 1, j - 1).distance + (same ? 0 : 1), same ? Step::match : Step::substitute);
  consider(at(i - 1, j).distance + 1, Step::remove);
  if (j > 0) consider(at(i, j - 1).distance + 1, Step::insert);
  at(i, j) = best;
}

Alignment EditTable::alignment() const {
  Position i = rows_ - 1, j = columns_ - 1;
  const auto h = static_cast<std::size_t>(i), r = static_cast<std::size_t>(j);
  Alignment alignment = {std::vector<Position>(r), std::vector<bool>(r), std::vector<bool>(h)};
  while (i > 0 || j > 0) {
    const Step step = at(i, j).step;
    const bool wrong = step != Step::match;
    if (step != Step::remove) {
      --j;
      alignment.aligned.begin()[j] = i - 1;
      alignment.reference_wrong.begin()[j] = wrong;
    }
    if (step != Step::insert) {
      --i;
      alignment.hypothesis_wrong.begin()[i] = wrong;
    }
  }
  return alignment;
}

}  // namespace adjoint::data
