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
    // The same words follow. So if the whole row has grown by the same number, the rest has, too.
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
void EditTable::fill(Position i, Row<const Distance> above, Row<Distance> row) const {
  const WordNumbers::Number word = hypothesis_.begin()[i - 1];
  Distance left = outside;
  Distance diagonal = above.at(row.first - 1);
  for (Position j = row.first; j < row.end(); ++j) {
    const Distance up = above.at(j);
    Distance best = std::min({outside, up + 1, left + 1});
    if (j > 0) best = std::min(best, diagonal + (reference_.begin()[j - 1] == word ? 0 : 1));
    left = row.cells[static_cast<std::size_t>(j - row.first)] = best;
    diagonal = up;
  }
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
