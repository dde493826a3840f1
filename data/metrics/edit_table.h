// Edit distances within a band around the diagonal, and how the words are aligned; for TER.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "data/metrics/word_numbers.h"

namespace adjoint::data {

using Position = std::int64_t;
using Words = std::vector<WordNumbers::Number>;

/// Which words of a hypothesis and a reference belong together.
struct Alignment {
  /// For each word of the reference, the word of the hypothesis aligned with it. If there is none,
  /// the word before the gap, or −1 at the beginning.
  std::vector<Position> aligned;
  std::vector<bool> reference_wrong, hypothesis_wrong;
};

/// The edit distances between all prefixes of two sentences (Wagner and Fischer, JACM 1974), within
/// a band of 25 words on both sides of the diagonal, wider if the reference is very much longer.
/// Only the band is stored, so time and memory grow in proportion to the words. Ties prefer a
/// substitution, then a removal, then an insertion, which decides what phrases TER may move.
class EditTable {
 public:
  /// Keeps references to both sentences.
  EditTable(const Words& hypothesis, const Words& reference);

  std::int64_t distance() const { return cells_.back(); }

  /// What distance() would be for the present words of the hypothesis, if only those in [begin,
  /// end) differ from the ones in the table.
  std::int64_t distance_after(Position begin, Position end);

  /// Recomputes the rows that depend on the words of the hypothesis from `begin` on.
  void update(Position begin);

  Alignment alignment() const;

 private:
  using Distance = std::int32_t;
  enum class Step { match, substitute, remove, insert };

  /// The cells of a row within the band. Row i is for the first i words of the hypothesis, column j
  /// for the first j words of the reference.
  template <class Cell>
  struct Row {
    Position first;  // column
    std::span<Cell> cells;

    Position end() const { return first + std::ssize(cells); }
    Distance at(Position j) const {
      return j >= first && j < end() ? cells[static_cast<std::size_t>(j - first)] : outside;
    }
  };
  static constexpr Distance outside = 1 << 30;

  Position rows() const { return std::ssize(hypothesis_) + 1; }
  Row<Distance> row(Position i);
  Row<const Distance> row(Position i) const;
  void fill(Position i, Row<const Distance> above, Row<Distance> row);
  Step step_to(Position i, Position j) const;

  const Words& hypothesis_;
  const Words& reference_;
  std::vector<Position> first_;      // the first column within the band, by row
  std::vector<std::size_t> starts_;  // where each row begins in cells_, and the end of the last
  std::vector<Distance> cells_;
  std::vector<Distance> above_, below_;  // rows of a changed hypothesis
  std::vector<Distance> up_;             // the part of a row that the next one reads
};

}  // namespace adjoint::data
