#include "nn/decoding/beam_search.h"

#include <algorithm>
#include <cmath>

#include "nn/decoding/next_token.h"

namespace adjoint::nn {
namespace {

// An unfinished hypothesis.
struct Partial {
  Ids ids;
  double log_probability = 0;
  Index row = 0;  // of the hypothesis that it continues, in the last step's batch
};

// One more token for an unfinished hypothesis.
struct Continuation {
  std::size_t parent;
  Index row, id;
  double log_probability;  // of all tokens
};

// The search for the targets of one source.
class Beam {
 public:
  Beam(Index source, const BeamOptions& beam, const DecodingOptions& options)
      : source_(source), beam_(beam), options_(options) {
    if (options.max_length == 0)
      finish({});
    else
      unfinished_.emplace_back();
  }

  // The likeliest first. Empty when the search is over.
  const std::vector<Partial>& unfinished() const { return unfinished_; }
  // The highest score first, at most as many as were asked for.
  std::vector<Hypothesis> best() const {
    const auto count = std::min<std::ptrdiff_t>(beam_.best, std::ssize(finished_));
    return {finished_.begin(), finished_.begin() + count};
  }

  // Takes the unfinished hypotheses one token further. Their logits begin at `row`.
  void step(const Tensor& logits, Index row) {
    const std::vector<Continuation> continuations = likeliest_continuations(logits, row);
    const std::vector<Partial> parents = std::exchange(unfinished_, {});
    for (const auto& [parent, parent_row, id, log_probability] : continuations) {
      Ids ids = parents[parent].ids;
      const bool ended = id == options_.end;
      if (!ended) ids.push_back(id);
      if (ended || std::ssize(ids) == options_.max_length)
        finish({.ids = std::move(ids), .ended = ended, .log_probability = log_probability});
      else
        unfinished_.push_back({std::move(ids), log_probability, parent_row});
    }
    if (none_can_overtake()) unfinished_.clear();
  }

 private:
  // As many as there are places left, the likeliest first. The continuations of one hypothesis are
  // ordered by their logits, which are exact, and only then merged by sums, which are rounded: so a
  // beam of 1 is greedy decoding whatever the rounding. Ties stay in the order of parents and ids.
  std::vector<Continuation> likeliest_continuations(const Tensor& logits, Index row) const {
    const Index places = beam_.width - std::ssize(finished_);
    const Choice choice{source_, std::ssize(unfinished_.front().ids), options_};
    std::vector<Continuation> all;
    for (std::size_t i = 0; i < unfinished_.size(); ++i, ++row) {
      const NextToken next(logits, row, choice);
      for (const Index id : next.likeliest(places))
        all.push_back({i, row, id, unfinished_[i].log_probability + next.log_probability(id)});
    }
    if (all.empty() && finished_.empty()) require_candidates({}, choice);
    std::ranges::stable_sort(all, std::greater(), &Continuation::log_probability);
    all.resize(std::min(all.size(), static_cast<std::size_t>(places)));
    return all;
  }

  // Inserts it in order of score, after those with the same score.
  void finish(Hypothesis hypothesis) {
    const Index length = std::ssize(hypothesis.ids) + (hypothesis.ended ? 1 : 0);
    hypothesis.score = hypothesis.log_probability / beam_.penalty(length);
    const auto place =
        std::ranges::upper_bound(finished_, hypothesis.score, std::greater(), &Hypothesis::score);
    finished_.insert(place, std::move(hypothesis));
  }

  bool none_can_overtake() const {
    if (unfinished_.empty() || std::ssize(finished_) < beam_.best) return false;
    const double bound = unfinished_.front().log_probability / beam_.penalty(options_.max_length);
    return finished_[static_cast<std::size_t>(beam_.best) - 1].score >= bound;
  }

  Index source_;
  const BeamOptions& beam_;
  const DecodingOptions& options_;
  std::vector<Partial> unfinished_;
  std::vector<Hypothesis> finished_;
};

std::vector<std::vector<Hypothesis>> search_batch(const EncoderDecoder& model,
                                                  std::span<const Ids> sources, Index first,
                                                  const BeamOptions& beam,
                                                  const DecodingOptions& options) {
  const auto decoding =
      model.decode(Sequences::padded(sources, options.padding), options.max_length);
  std::vector<Beam> beams;
  for (Index i = 0; i < std::ssize(sources); ++i) beams.emplace_back(first + i, beam, options);
  for (Index step = 0;; ++step) {
    Ids last, parents;  // a row for each unfinished hypothesis of all beams
    for (const Beam& each : beams)
      for (const Partial& hypothesis : each.unfinished()) {
        last.push_back(hypothesis.ids.empty() ? options.begin : hypothesis.ids.back());
        parents.push_back(hypothesis.row);
      }
    if (last.empty()) break;
    if (step > 0) decoding->select(parents);
    const Tensor logits = decoding->step(from(last, {std::ssize(last)}));  // [rows, tokens]
    if (step == 0) options.check_vocabulary(logits.size(1));
    Index row = 0;
    for (Beam& each : beams) {
      const Index rows = std::ssize(each.unfinished());
      if (rows > 0) each.step(logits, row);
      row += rows;
    }
  }
  std::vector<std::vector<Hypothesis>> results;
  for (const Beam& each : beams) results.push_back(each.best());
  return results;
}

}  // namespace

double LengthPenalty::operator()(Index length) const {
  const auto n = static_cast<double>(std::max<Index>(1, length));  // an empty target counts as 1
  return std::pow((offset + n) / (offset + 1), alpha);
}

std::vector<std::vector<Hypothesis>> beam_search(const EncoderDecoder& model,
                                                 std::span<const Ids> sources,
                                                 const BeamOptions& beam,
                                                 const DecodingOptions& options) {
  require(beam.width >= 1, "beam_search: width must be at least 1, is ", beam.width);
  require(beam.best >= 1 && beam.best <= beam.width,
          "beam_search: best must be between 1 and width = ", beam.width, ", is ", beam.best);
  const auto [alpha, offset] = beam.penalty;
  require(alpha >= 0 && std::isfinite(alpha) && offset >= 0 && std::isfinite(offset),
          "beam_search: the length penalty's alpha and offset must be at least 0 and finite, are ",
          alpha, " and ", offset);
  options.check(sources.size());
  const Index batch_size = std::max<Index>(1, rows_per_batch / beam.width);
  return in_batches(sources, batch_size, [&](std::span<const Ids> batch, Index first) {
    return search_batch(model, batch, first, beam, options);
  });
}

}  // namespace adjoint::nn
