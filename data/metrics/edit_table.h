// Edit distances along a band, and what lies beside what: the ground that TER stands on.
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
using Words = std::vector<std::int64_t>;  ///< each different word a number of its own

/// Numbers for words, the same word the same number on both sides.
class Numbering {
 public:
  Words number(const Tokens& tokens) {
    Words words;
    for (const std::string& token : tokens) {
      words.push_back(numbers_.emplace(token, numbers_.size()).first->second);
    }
    return words;
  }

 private:
  std::unordered_map<std::string, std::int64_t> numbers_;
};

/// How the words of the reference lie beside those of the hypothesis.
struct Alignment {
  /// For each word of the reference: the word of the hypothesis that stands for it or, where one is
  /// missing, the word before the gap, −1 at the beginning.
  std::vector<Position> place;
  std::vector<bool> reference_wrong, hypothesis_wrong;
};

/// The table of edit distances between the beginnings of two sentences (Wagner and Fischer, JACM
/// 1974), filled in along a band of 25 words to both sides of the diagonal only, wider where the
/// reference is very much longer. Where several ways are as short, a substitution comes before a
/// removal, and that before an insertion: it decides which phrases TER may move.
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

  Cell& at(std::size_t i, std::size_t j) { return cells_[i * columns_ + j]; }
  const Cell& at(std::size_t i, std::size_t j) const { return cells_[i * columns_ + j]; }
  void fill(std::size_t i, std::size_t j, bool same);

  std::size_t rows_, columns_;  // one more than there are words
  std::vector<Cell> cells_;     // rows: the hypothesis, columns: the reference
};

}  // namespace adjoint::data
