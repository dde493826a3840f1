#include "data/metrics/ter.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <tuple>

#include "data/metrics/edit_table.h"
#include "data/metrics/error_rates.h"

namespace adjoint::data {
namespace {

constexpr Position max_phrase = 10;  // tercom's limits
constexpr Position max_distance = 50;

/// Words [begin, begin + length) of the hypothesis, which are at `reference` in the reference.
struct Phrase {
  Position begin, reference, length;
};

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

/// A move, which exchanges the words [begin, middle) and [middle, end).
struct Rotation {
  Position begin, middle, end;

  void apply(Words& words) const {
    std::rotate(words.begin() + begin, words.begin() + middle, words.begin() + end);
  }
  Rotation inverse() const { return {begin, begin + (end - middle), end}; }
};

/// Moves the phrase to before the word `target`. A target within the phrase moves it forward by the
/// distance of the target from its beginning.
Rotation move(const Phrase& phrase, Position target, Position words) {
  const Position begin = phrase.begin, end = phrase.begin + phrase.length;
  if (target < begin) return {target, begin, end};
  return {begin, end, std::min(target + (target <= end ? phrase.length : 0), words)};
}

/// Finds the best moves of one sentence, one after the other.
class Search {
 public:
  Search(Words& hypothesis, const Words& reference, std::int64_t max_tried)
      : hypothesis_(hypothesis),
        reference_(reference),
        table_(hypothesis, reference),
        max_tried_(max_tried) {}

  /// Makes the best possible move. Returns whether the distance became smaller.
  bool improve() {
    best_.reset();
    try_moves(table_.alignment());
    if (ended() || !best_ || best_->gain() <= 0) return false;
    best_->rotation.apply(hypothesis_);
    table_.update(best_->rotation.begin);
    return true;
  }

  std::int64_t distance() const { return table_.distance(); }

 private:
  struct Move {
    /// Ordered by gain, then longer phrase, then earlier phrase, then earlier target.
    std::tuple<std::int64_t, Position, Position, Position> rank;
    Rotation rotation;

    std::int64_t gain() const { return std::get<0>(rank); }
  };

  bool ended() const { return tried_ >= max_tried_; }

  void try_moves(const Alignment& alignment) {
    const Position h = std::ssize(hypothesis_), r = std::ssize(reference_);
    for (Position i = 0; i < h; ++i) {
      if (!any_wrong(alignment.hypothesis_wrong, i, std::min(max_phrase, h - i))) continue;
      const Position end = std::min(r, i + max_distance + 1);
      for (Position j = std::max<Position>(0, i - max_distance); j < end; ++j)
        for (Position length = 1; length <= std::min({max_phrase, h - i, r - j}); ++length) {
          const Position last = length - 1;
          if (hypothesis_.begin()[i + last] != reference_.begin()[j + last]) break;
          try_moves({i, j, length}, alignment);
          if (ended()) return;
        }
    }
  }

  void try_moves(const Phrase& phrase, const Alignment& alignment) {
    if (!may_move(phrase, alignment)) return;
    for (const Position target : targets(phrase, alignment)) {
      const Rotation rotation = move(phrase, target, std::ssize(hypothesis_));
      rotation.apply(hypothesis_);
      const std::int64_t gain =
          table_.distance() - table_.distance_after(rotation.begin, rotation.end);
      rotation.inverse().apply(hypothesis_);
      const std::tuple rank(gain, phrase.length, -phrase.begin, -target);
      if (!best_ || rank > best_->rank) best_ = {rank, rotation};
      ++tried_;
    }
  }

  Words& hypothesis_;
  const Words& reference_;
  EditTable table_;
  std::optional<Move> best_;
  std::int64_t max_tried_, tried_ = 0;
};

}  // namespace

std::int64_t ter_edits(const Tokens& hypothesis, const Tokens& reference, std::int64_t max_tried) {
  if (reference.empty()) return std::ssize(hypothesis);
  WordNumbers number;
  Words words = number(hypothesis);
  const Words expected = number(reference);
  Search search(words, expected, max_tried);
  std::int64_t moves = 0;
  while (search.improve()) ++moves;
  return moves + search.distance();
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
