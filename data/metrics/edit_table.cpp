#include "data/metrics/edit_table.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace adjoint::data {

EditTable::EditTable(const Words& hypothesis, const Words& reference)
    : hypothesis_(hypothesis), reference_(reference) {
  constexpr Position half_width = 25;  // tercom's
  const Position columns = std::ssize(reference) + 1;
  const double slope = static_cast<double>(reference.size()) /
                       static_cast<double>(std::max<Position>(1, rows() - 1));
  // The bands of neighbouring rows must overlap, even if the reference is much longer.
  const Position width = slope / 2 > half_width
                             ? static_cast<Position>(std::ceil(slope / 2 + half_width))
                             : half_width;
  starts_.push_back(0);
  for (Position i = 0; i < rows(); ++i) {
    const auto diagonal = static_cast<Position>(std::floor(static_cast<double>(i) * slope));
    const bool whole = i == 0 || i + 1 == rows();
    const Position first = i == 0 ? 0 : std::max<Position>(0, diagonal - width);
    const Position end = whole ? columns : std::min(columns, diagonal + width);
    first_.push_back(first);
    starts_.push_back(starts_.back() + static_cast<std::size_t>(end - first));
  }
  cells_.resize(starts_.back());
  std::iota(row(0).cells.begin(), row(0).cells.end(), 0);
  update(0);
}

void EditTable::update(Position begin) {
  for (Position i = begin + 1; i < rows(); ++i) fill(i, std::as_const(*this).row(i - 1), row(i));
}

std::int64_t EditTable::distance_after(Position begin, Position end) {
  const EditTable& table = *this;
  above_.assign(table.row(begin).cells.begin(), table.row(begin).cells.end());
  for (Position i = begin + 1; i < rows(); ++i) {
    const Row<const Distance> former = table.row(i);
    below_.resize(former.cells.size());
    fill(i, {table.row(i - 1).first, above_}, {former.first, below_});
    // The words from here on are unchanged. So if all of this row has grown by one number, the rows
    // below have, too.
    const Distance growth = below_.front() - former.cells.front();
    const auto has_grown = [growth](Distance now, Distance before) {
      return now == (before == outside ? outside : before + growth);
    };
    if (i >= end && std::ranges::equal(below_, former.cells, has_grown)) return distance() + growth;
    above_.swap(below_);
  }
  return above_.back();
}

Alignment EditTable::alignment() const {
  Position i = rows() - 1, j = std::ssize(reference_);
  Alignment alignment = {std::vector<Position>(reference_.size()),
                         std::vector<bool>(reference_.size()),
                         std::vector<bool>(hypothesis_.size())};
  while (i > 0 || j > 0) {
    const Step step = step_to(i, j);
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

EditTable::Row<EditTable::Distance> EditTable::row(Position i) {
  const auto k = static_cast<std::size_t>(i);
  return {first_[k], std::span(cells_).subspan(starts_[k], starts_[k + 1] - starts_[k])};
}

EditTable::Row<const EditTable::Distance> EditTable::row(Position i) const {
  const auto k = static_cast<std::size_t>(i);
  return {first_[k], std::span(cells_).subspan(starts_[k], starts_[k + 1] - starts_[k])};
}

// d(i, j) = min(d(i−1, j−1) + [hᵢ ≠ rⱼ], d(i−1, j) + 1, d(i, j−1) + 1)
void EditTable::fill(Position i, Row<const Distance> above, Row<Distance> row) {
  // up_[k] is above and to the left of cell k, up_[k + 1] above it.
  const Position begin = row.first - 1, from = std::max(above.first, begin),
                 to = std::min(above.end(), row.end());
  up_.assign(row.cells.size() + 1, outside);
  if (from < to)
    std::copy(above.cells.begin() + (from - above.first), above.cells.begin() + (to - above.first),
              up_.begin() + (from - begin));

  const std::size_t first = row.first == 0 ? 1 : 0;  // column 0 has no word
  if (first == 1) row.cells[0] = std::min(outside, up_[1] + 1);
  const WordNumbers::Number word = hypothesis_.begin()[i - 1];
  const auto words = std::span(reference_).subspan(static_cast<std::size_t>(row.first) + first - 1);
  const std::span<Distance> cells = row.cells.subspan(first);
  const Distance* const up = up_.data() + first;
  for (std::size_t k = 0; k < cells.size(); ++k)
    cells[k] =
        std::min(outside, std::min(up[k + 1] + 1, up[k] + static_cast<Distance>(words[k] != word)));
  Distance left = outside;
  for (Distance& cell : row.cells) left = cell = std::min(cell, left + 1);
}

EditTable::Step EditTable::step_to(Position i, Position j) const {
  if (i == 0) return Step::insert;
  if (j > 0) {
    const bool same = hypothesis_.begin()[i - 1] == reference_.begin()[j - 1];
    if (row(i).at(j) == row(i - 1).at(j - 1) + (same ? 0 : 1))
      return same ? Step::match : Step::substitute;
  }
  return row(i).at(j) == row(i - 1).at(j) + 1 ? Step::remove : Step::insert;
}

}  // namespace adjoint::data
