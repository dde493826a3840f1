#include "data/metrics/ter.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "data/metrics/edit_table.h"

namespace adjoint::data {
namespace {

constexpr Position max_phrase = 10;  // tercom's limits
constexpr Position max_distance = 50;
constexpr std::int64_t max_tried = 1000;  // sacreBLEU's

/// Words [begin, begin + length) of the hypothesis, which are at `reference` in the reference.
struct Phrase {
  Position begin, reference, length;
};

std::vector<Phrase> common_phrases(const Words& hypothesis, const Words& reference) {
  std::vector<Phrase> phrases;
  const auto h = static_cast<Position>(hypothesis.size());
  const auto r = static_cast<Position>(reference.size());
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
  const auto size = static_cast<Position>(words.size());
  if (target < phrase.begin) {
    std::rotate(words.begin() + target, begin, end);
  } else if (target > phrase.begin + phrase.length) {
    std::rotate(begin, end, words.begin() + target);
  } else {
    std::rotate(begin, end, words.begin() + std::min(size, target + phrase.length));
  }
  return words;
}

struct Move {
  /// The gain, then the length of the phrase, an early phrase, an early target.
  std::tuple<std::int64_t, Position, Position, Position> rank = {};
  Words words;

  std::int64_t gain() const { return std::get<0>(rank); }
};

/// The best of all possible moves, which `tried` counts.
Move best_move(const Words& hypothesis, const Words& reference, std::int64_t& tried) {
  const EditTable table(hypothesis, reference);
  const Alignment alignment = table.alignment();
  Move best;
  bool found = false;
  for (const Phrase& phrase : common_phrases(hypothesis, reference)) {
    if (!may_move(phrase, alignment)) continue;
    for (const Position target : targets(phrase, alignment)) {
      Words words = move(hypothesis, phrase, target);
      const std::int64_t gain = table.distance() - EditTable(words, reference).distance();
      const std::tuple rank(gain, phrase.length, -phrase.begin, -target);
      if (!found || rank > best.rank) best = {rank, std::move(words)};
      found = true;
      ++tried;
    }
    if (tried >= max_tried) break;
  }
  return best;
}

std::int64_t count_edits(Words hypothesis, const Words& reference) {
  if (reference.empty()) return static_cast<std::int64_t>(hypothesis.size());
  std::int64_t moves = 0, tried = 0;
  while (true) {
    Move best = best_move(hypothesis, reference, tried);
    if (tried >= max_tried || best.gain() <= 0) break;
    hypothesis = std::move(best.words);
    ++moves;
  }
  return moves + EditTable(hypothesis, reference).distance();
}

double rate(double edits, double length) {
  if (length > 0) return 100 * edits / length;
  return edits > 0 ? 100 : 0;
}

}  // namespace

std::int64_t ter_edits(const Tokens& hypothesis, const Tokens& reference) {
  Numbering numbering;
  const Words words = numbering.number(hypothesis);
  return count_edits(words, numbering.number(reference));
}

TerScore corpus_ter(const std::vector<std::string>& hypotheses, ReferenceSets sets,
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
  ter.score = rate(static_cast<double>(ter.edits), ter.ref_len);
  ter.signature = references.signature() + (options.case_sensitive ? "|case:mixed" : "|case:lc") +
                  "|tok:tercom" + (options.normalize ? "|norm:yes" : "|norm:no") +
                  (options.remove_punctuation ? "|punct:no" : "|punct:yes") + "|asian:no";
  return ter;
}

}  // namespace adjoint::data
