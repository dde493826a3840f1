// Edit distances within a band, and the alignments that belong to them: the basis of TER.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <unordered_map>
#include <vector>

#include "data/text/tokenizer.h"

namespace adjoint::data {

using Position = std::int64_t;
using Words = std::vector<std::int64_t>;  ///< each distinct word as a number

/// Numbers the words, the same on both sides.
class Numbering {
 public:
  Words number(const Tokens& tokens) {
    Words words;
    for (const std::string& token : tokens)
      words.push_back(numbers_.emplace(token, numbers_.size()).first->second);
    return words;
  }

 private:
  std::unordered_map<std::string, std::int64_t> numbers_;
};

struct Alignment {
  /// For each word of the reference the word of the hypothesis that it is aligned with; if that is
  /// missing, the word before the gap, −1 at the beginning.
  std::vector<Position> aligned;
  std::vector<bool> reference_wrong, hypothesis_wrong;
};

/// The edit distances between all prefixes of two sentences (Wagner and Fischer, JACM 1974), within
/// a band of 25 words on both sides of the diagonal, wider if the reference is very much longer.
/// Ties prefer a substitution, then a removal, then an insertion, which decides what phrases TER
/// may move.
class EditTable {
 public:
  EditTable(const Words& hypothesis, const Words& reference);

  std::int64_t distance() const { return cells_.back().distance; }
  Alignment alignment() const;

 private:
  enum class Step : char { outside, match, substitute, remove, insert };
  struct Cell {
    std::int64_t distance = std::numeric_limits<std::int64_t>::max() / 2;
    Step step = Step::outside;
  };

  Cell& at(Position i, Position j) { return cells_[static_cast<std::size_t>(i * columns_ + j)]; }
  const Cell& at(Position i, Position j) const {
    return cells_[static_cast<std::size_t>(i * columns_ + j)];
  }
  void fill(Position i, Position j, bool same);

  Position rows_, columns_;  // one more than the words
  std::vector<Cell> cells_;  // rows: the hypothesis, columns: the reference
};

}  // namespace adjoint::data
