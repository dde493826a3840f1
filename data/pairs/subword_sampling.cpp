#include "data/pairs/subword_sampling.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/support/error.h"
#include "autograd/support/printable.h"
#include "data/text/unicode.h"

namespace adjoint::data {
namespace {

constexpr double smoothing = 0.2;  // α in Kudo 2018
constexpr double impossible = -std::numeric_limits<double>::infinity();
constexpr std::string_view begin_of_word = "\u2581";

// Uniform numbers in [0, 1), one after another.
class Draws {
 public:
  explicit Draws(Key key) : key_(key) {}
  double next() { return static_cast<double>(key_.child(count_++).value() >> 11) * 0x1p-53; }

 private:
  Key key_;
  std::uint64_t count_ = 0;
};

Tokens characters_of(const std::string& text) {
  Tokens characters;
  for (const char32_t c : code_points(text)) characters.push_back(utf8(c));
  return characters;
}

double log_of_sum(double a, double b) {
  const double larger = std::max(a, b);
  return larger == impossible ? impossible : larger + std::log1p(std::exp(std::min(a, b) - larger));
}

}  // namespace

SubwordSampler::SubwordSampler(Scores scores, const std::string& algorithm, double probability)
    : scores_(std::move(scores)), merges_(algorithm == "bpe"), probability_(probability) {
  require(merges_ || algorithm == "unigram", "subwords: unknown algorithm \"", algorithm,
          "\", expected unigram or bpe");
  require(probability >= 0 && probability <= 1,
          "subwords: the probability of another cut must lie in [0, 1], is ", probability);
  for (const auto& [piece, score] : scores_) {
    require(std::abs(score) <= std::numeric_limits<float>::max(), "subwords: the score of '",
            printable_line(piece), "' must be a finite number in 32 bits, is ", score);
    longest_ = std::max(longest_, piece.size());
  }
}

Tokens SubwordSampler::operator()(const Tokens& pieces, Key key) const {
  Tokens result;
  const auto known = [&](const std::string& piece) { return scores_.contains(piece); };
  std::uint64_t number = 0;
  for (auto first = pieces.begin(); first != pieces.end();) {
    const auto last = std::find_if(first + 1, pieces.end(), [](const std::string& piece) {
      return piece.starts_with(begin_of_word);
    });
    const Key own = key.child(number++);
    if (std::all_of(first, last, known)) {
      std::string word;
      for (auto piece = first; piece != last; ++piece) word += *piece;
      const Tokens characters = characters_of(word);
      std::ranges::move(merges_                            ? merged(characters, own)
                        : Draws(own).next() < probability_ ? drawn(characters, own.child("cut"))
                                                           : Tokens(first, last),
                        std::back_inserter(result));
    } else {
      result.insert(result.end(), first, last);
    }
    first = last;
  }
  return result;
}

// The merges of byte pair encoding, the best first, until none is left or kept.
Tokens SubwordSampler::merged(const Tokens& characters, Key key) const {
  Tokens pieces = characters;
  const auto score_at = [&](std::size_t i) {  // of merging pieces i and i + 1
    if (i + 1 >= pieces.size()) return impossible;
    const auto found = scores_.find(pieces[i] + pieces[i + 1]);
    return found == scores_.end() ? impossible : found->second;
  };
  std::vector<double> scores;
  for (std::size_t i = 0; i + 1 < pieces.size(); ++i) scores.push_back(score_at(i));
  Draws draws(key);
  while (true) {
    std::size_t best = scores.size();
    for (std::size_t i = 0; i < scores.size(); ++i) {
      if (scores[i] == impossible || draws.next() < probability_) continue;
      if (best == scores.size() || scores[i] > scores[best]) best = i;
    }
    if (best == scores.size()) return pieces;
    const auto at = static_cast<std::ptrdiff_t>(best);
    pieces[best] += pieces[best + 1];
    pieces.erase(pieces.begin() + at + 1);
    scores.erase(scores.begin() + at);
    if (best < scores.size()) scores[best] = score_at(best);
    if (best > 0) scores[best - 1] = score_at(best - 1);
  }
}

Tokens SubwordSampler::drawn(const Tokens& characters, Key key) const {
  const std::size_t n = characters.size();
  struct Edge {
    std::size_t begin;
    std::string piece;
    double weight;
  };
  // Forward: sums[end] is the logarithm of the weight of all cuts of the characters before `end`.
  std::vector<double> sums(n + 1, impossible);
  std::vector<std::vector<Edge>> edges(n + 1);
  sums[0] = 0;
  for (std::size_t end = 1; end <= n; ++end) {
    std::string piece;
    for (std::size_t begin = end; begin-- > 0 && piece.size() < longest_;) {
      piece.insert(0, characters[begin]);
      const auto found = scores_.find(piece);
      if (found == scores_.end() || sums[begin] == impossible) continue;
      edges[end].push_back({begin, piece, sums[begin] + smoothing * found->second});
      sums[end] = log_of_sum(sums[end], edges[end].back().weight);
    }
  }
  // Backward: each last piece in proportion to the weight of the cuts that end with it.
  Tokens pieces;
  Draws draws(key);
  for (std::size_t end = n; end > 0;) {
    double left = draws.next();
    auto edge = edges[end].begin();
    while (edge + 1 != edges[end].end() && (left -= std::exp(edge->weight - sums[end])) >= 0)
      ++edge;
    pieces.push_back(edge->piece);
    end = edge->begin;
  }
  std::ranges::reverse(pieces);
  return pieces;
}

}  // namespace adjoint::data
