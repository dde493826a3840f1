#include "data/metrics/edit_table.h"

#include <algorithm>
#include <cmath>

namespace adjoint::data {
namespace {

constexpr Position band_width = 25;  // tercom's

/// The columns of a row that the band covers.
struct Band {
  Band(std::size_t hypothesis, std::size_t reference)
      : last_row(hypothesis),
        columns(static_cast<Position>(reference) + 1),
        slope(static_cast<double>(reference) / static_cast<double>(hypothesis)),
        // Bands of neighbouring rows must overlap, however much longer the reference is.
        width(slope / 2 > static_cast<double>(band_width)
                  ? static_cast<Position>(std::ceil(slope / 2 + static_cast<double>(band_width)))
                  : band_width) {}

  Position diagonal(std::size_t row) const {
    return static_cast<Position>(std::floor(static_cast<double>(row) * slope));
  }
  std::size_t begin(std::size_t row) const {
    return static_cast<std::size_t>(std::max<Position>(0, diagonal(row) - width));
  }
  std::size_t end(std::size_t row) const {
    return static_cast<std::size_t>(row == last_row ? columns
                                                    : std::min(columns, diagonal(row) + width));
  }

  std::size_t last_row;
  Position columns;
  double slope;
  Position width;
};

}  // namespace

EditTable::EditTable(const Words& hypothesis, const Words& reference)
    : rows_(hypothesis.size() + 1), columns_(reference.size() + 1), cells_(rows_ * columns_) {
  for (std::size_t j = 0; j < columns_; ++j) {
    at(0, j) = {static_cast<std::int64_t>(j), Step::insert};
  }
  if (hypothesis.empty()) return;
  const Band band(hypothesis.size(), reference.size());
  for (std::size_t i = 1; i < rows_; ++i) {
    for (std::size_t j = band.begin(i); j < band.end(i); ++j) {
      fill(i, j, j > 0 && hypothesis[i - 1] == reference[j - 1]);
    }
  }
}

void EditTable::fill(std::size_t i, std::size_t j, bool same) {
  Cell best;
  const auto consider = [&best](std::int64_t distance, Step step) {
    if (distance < best.distance) best = {distance, step};
  };
  if (j > 0) {
    consider(at(i - 1, j - 1).distance + (same ? 0 : 1), same ? Step::match : Step::substitute);
  }
  consider(at(i - 1, j).distance + 1, Step::remove);
  if (j > 0) consider(at(i, j - 1).distance + 1, Step::insert);
  at(i, j) = best;
}

Alignment EditTable::alignment() const {
  Alignment alignment;
  alignment.place.resize(columns_ - 1);
  alignment.reference_wrong.resize(columns_ - 1);
  alignment.hypothesis_wrong.resize(rows_ - 1);
  std::size_t i = rows_ - 1, j = columns_ - 1;
  while (i > 0 || j > 0) {
    const Step step = at(i, j).step;
    const bool wrong = step != Step::match;
    if (step != Step::remove) {
      --j;
      alignment.place[j] = static_cast<Position>(i) - 1;
      alignment.reference_wrong[j] = wrong;
    }
    if (step != Step::insert) {
      --i;
      alignment.hypothesis_wrong[i] = wrong;
    }
  }
  return alignment;
}

}  // namespace adjoint::data
