#include "data/metrics/ter.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "data/metrics/error_rates.h"

namespace adjoint::data {
namespace {

// ---- Edit distances within a band, and the alignments that belong to them -----------------------

using Position = std::int64_t;
using Words = std::vector<std::int64_t>;  // each distinct word as a number

struct Alignment {
  /// For each word of the reference, the word of the hypothesis aligned with it; if there is none,
  /// the word before the gap, or −1 at the beginning.
  std::vector<Position> aligned;
  std::vector<bool> reference_wrong, hypothesis_wrong;
};

/// The edit distances between all prefixes of two sentences (Wagner and Fischer, JACM 1974), within
/// a band of 25 words on both sides of the diagonal, wider if the reference is very much longer.
/// Ties prefer a substitution, then a removal, then an insertion, which decides what phrases TER
/// may move.
class EditTable {
 public:
  EditTable(const Words& hypothesis, const Words& reference)
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

  std::int64_t distance() const { return cells_.back().distance; }

  Alignment alignment() const {
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

  void fill(Position i, Position j, bool same) {
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

  Position rows_, columns_;  // one more than the words
  std::vector<Cell> cells_;  // rows: the hypothesis, columns: the reference
};

// ---- Moves --------------------------------------------------------------------------------------

constexpr Position max_phrase = 10;  // tercom's limits
constexpr Position max_distance = 50;

/// Words [begin, begin + length) of the hypothesis, which are at `reference` in the reference.
struct Phrase {
  Position begin, reference, length;
};

std::vector<Phrase> common_phrases(const Words& hypothesis, const Words& reference) {
  std::vector<Phrase> phrases;
  const Position h = std::ssize(hypothesis), r = std::ssize(reference);
  for (Position i = 0; i < h; ++i) {
    for (Position j = std::max<Position>(0, i - max_distance);
         j <= std::min(r - 1, i + max_distance); ++j) {
      for (Position length = 1; length <= std::min({max_phrase, h - i, r - j}); ++length) {
        if (hypothesis.begin()[i + length - 1] != reference.begin()[j + length - 1]) break;
        phrases.push_back({i, j, length});
      }
    }
  }
  return phrases;
}

bool any_wrong(const std::vector<bool>& wrong, Position begin, Position length) {
  const auto first = wrong.begin() + begin;
  return std::find(first, first + length, true) != first + length;
}

bool may_move(const Phrase& phrase, const Alignment& alignment) {
  const Position aligned = alignment.aligned.begin()[phrase.reference];
  return any_wrong(alignment.hypothesis_wrong, phrase.begin, phrase.length) &&
         any_wrong(alignment.reference_wrong, phrase.reference, phrase.length) &&
         !(aligned >= phrase.begin && aligned < phrase.begin + phrase.length);
}

/// The words of the hypothesis that the phrase may be moved in front of; its length means the end.
std::vector<Position> targets(const Phrase& phrase, const Alignment& alignment) {
  std::vector<Position> targets;
  for (Position j = phrase.reference - 1; j < phrase.reference + phrase.length; ++j) {
    const Position target = j < 0 ? 0 : alignment.aligned.begin()[j] + 1;
    if (targets.empty() || targets.back() != target) targets.push_back(target);
  }
  return targets;
}

/// The words with the phrase moved in front of `target`. A target within the phrase moves it
/// forward by the target's distance from its beginning.
Words move(Words words, const Phrase& phrase, Position target) {
  const auto begin = words.begin() + phrase.begin, end = begin + phrase.length;
  if (target < phrase.begin) {
    std::rotate(words.begin() + target, begin, end);
  } else {
    const bool within = target <= phrase.begin + phrase.length;
    const Position after = target + (within ? phrase.length : 0);
    std::rotate(begin, end, words.begin() + std::min(after, std::ssize(words)));
  }
  return words;
}

struct Move {
  /// By gain, then longer phrase, then earlier phrase, then earlier target.
  std::tuple<std::int64_t, Position, Position, Position> rank = {};
  Words words;

  std::int64_t gain() const { return std::get<0>(rank); }
};

/// The best of all possible moves, which `tried` counts.
Move best_move(const Words& hypothesis, const Words& reference, std::int64_t max_tried,
               std::int64_t& tried) {
  const EditTable table(hypothesis, reference);
  const Alignment alignment = table.alignment();
  Move best;
  for (const Phrase& phrase : common_phrases(hypothesis, reference)) {
    if (!may_move(phrase, alignment)) continue;
    for (const Position target : targets(phrase, alignment)) {
      Words words = move(hypothesis, phrase, target);
      const std::int64_t gain = table.distance() - EditTable(words, reference).distance();
      const std::tuple rank(gain, phrase.length, -phrase.begin, -target);
      if (best.words.empty() || rank > best.rank) best = {rank, std::move(words)};
      ++tried;
    }
    if (tried >= max_tried) break;
  }
  return best;
}

}  // namespace

std::int64_t ter_edits(const Tokens& hypothesis, const Tokens& reference, std::int64_t max_tried) {
  std::unordered_map<std::string_view, std::int64_t> numbers;
  const auto number = [&numbers](const std::string& word) {
    return numbers.emplace(word, numbers.size()).first->second;
  };
  Words words, expected;
  std::ranges::transform(hypothesis, std::back_inserter(words), number);
  std::ranges::transform(reference, std::back_inserter(expected), number);
  if (expected.empty()) return std::ssize(words);
  std::int64_t moves = 0, tried = 0;
  while (true) {
    Move best = best_move(words, expected, max_tried, tried);
    if (tried >= max_tried || best.gain() <= 0) break;
    words = std::move(best.words);
    ++moves;
  }
  return moves + EditTable(words, expected).distance();
}

TerScore corpus_ter(const std::vector<std::string>& hypotheses, const ReferenceSets& sets,
                    const TercomOptions& options) {
  const References references("corpus_ter", hypotheses.size(), sets);
  TerScore ter;
  for (std::size_t i = 0; i < hypotheses.size(); ++i) {
    const Tokens hypothesis = tokenize_tercom(hypotheses[i], options);
    std::int64_t fewest = std::numeric_limits<std::int64_t>::max();
    double length = 0;
    for (const std::string_view text : references.of(i)) {
      const Tokens reference = tokenize_tercom(text, options);
      fewest = std::min(fewest, ter_edits(hypothesis, reference));
      length += static_cast<double>(reference.size());
    }
    ter.edits += fewest;
    ter.ref_len += length / static_cast<double>(references.of(i).size());
  }
  ter.score = error_rate(static_cast<double>(ter.edits), ter.ref_len);
  ter.signature = references.signature() + (options.case_sensitive ? "|case:mixed" : "|case:lc") +
                  "|tok:tercom" + (options.normalize ? "|norm:yes" : "|norm:no") +
                  (options.remove_punctuation ? "|punct:no" : "|punct:yes") + "|asian:no";
  return ter;
}

}  // namespace adjoint::data
