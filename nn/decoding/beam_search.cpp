#include "nn/decoding/beam_search.h"

#include <algorithm>
#include <cmath>

#include "nn/decoding/one_by_one.h"

namespace adjoint::nn {
namespace {

// A hypothesis that may still go on.
struct Partial {
  Ids ids;
  double log_probability = 0;
  Index row = 0;  // of the last batch: that of the hypothesis it continues
};

// One more token for the hypothesis of a row.
struct Continuation {
  std::size_t parent;  // among the unfinished ones
  Index row, id;
  double log_probability;  // of all
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

  // A step for the unfinished ones, whose rows of logits begin at `row`.
  void step(const Tensor& logits, Index row) {
    const std::vector<Continuation> continuations = likeliest_continuations(logits, row);
    const std::vector<Partial> parents = std::exchange(unfinished_, {});
    for (const Continuation& c : continuations) {
      Partial hypothesis{parents[c.parent].ids, c.log_probability, c.row};
      if (c.id == options_.end) {
        finish({.ids = std::move(hypothesis.ids),
                .ended = true,
                .log_probability = c.log_probability});
        continue;
      }
      hypothesis.ids.push_back(c.id);
      if (std::ssize(hypothesis.ids) < options_.max_length)
        unfinished_.push_back(std::move(hypothesis));
      else
        finish({.ids = std::move(hypothesis.ids), .log_probability = c.log_probability});
    }
    if (none_can_overtake()) unfinished_.clear();
  }

 private:
  // As many as there are places left, the likeliest first. Those of one hypothesis are ordered by
  // their logits, which are exact, and only then merged by sums, which are rounded: therefore a
  // beam of 1 is greedy decoding whatever the rounding. Ties stay in the order of parents and ids.
  std::vector<Continuation> likeliest_continuations(const Tensor& logits, Index row) const {
    const Index places = beam_.width - std::ssize(finished_);
    const Choice choice(source_, std::ssize(unfinished_.front().ids), options_);
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

  // Into its place; behind those of the same score.
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

// The last token of each unfinished hypothesis of all beams: the rows of the next step.
Ids last_tokens(const std::vector<Beam>& beams, Index begin) {
  Ids last;
  for (const Beam& beam : beams)
    for (const Partial& hypothesis : beam.unfinished())
      last.push_back(hypothesis.ids.empty() ? begin : hypothesis.ids.back());
  return last;
}

// The rows that they continue.
Ids parent_rows(const std::vector<Beam>& beams) {
  Ids rows;
  for (const Beam& beam : beams)
    for (const Partial& hypothesis : beam.unfinished()) rows.push_back(hypothesis.row);
  return rows;
}

std::vector<std::vector<Hypothesis>> search_part(const EncoderDecoder& model,
                                                 std::span<const Ids> sources, Index first,
                                                 const BeamOptions& beam,
                                                 const DecodingOptions& options) {
  const NoRecording guard;
  const auto decoding =
      model.decode(Sequences::padded(sources, options.padding), options.max_length);
  std::vector<Beam> beams;
  for (Index i = 0; i < std::ssize(sources); ++i) beams.emplace_back(first + i, beam, options);
  for (Index step = 0;; ++step) {
    const Ids last = last_tokens(beams, options.begin);
    if (last.empty()) break;
    if (step > 0) decoding->select(parent_rows(beams));
    const Tensor logits = decoding->step(from(last, {std::ssize(last)}));  // [rows, tokens]
    if (step == 0) require_vocabulary(options, logits.size(1));
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

void require_beam(const BeamOptions& beam) {
  require(beam.width >= 1, "beam_search: width must be at least 1, is ", beam.width);
  require(beam.best >= 1 && beam.best <= beam.width,
          "beam_search: best must lie between 1 and width, ", beam.width, ", is ", beam.best);
  const auto [alpha, offset] = beam.penalty;
  require(alpha >= 0 && std::isfinite(alpha) && offset >= 0 && std::isfinite(offset),
          "beam_search: the length penalty's alpha and offset must be at least 0, are ", alpha,
          " and ", offset);
}

}  // namespace

double LengthPenalty::operator()(Index length) const {
  const auto n =
      static_cast<double>(std::max<Index>(1, length));  // the empty target's is that of 1
  return std::pow((offset + n) / (offset + 1), alpha);
}

std::vector<std::vector<Hypothesis>> beam_search(const EncoderDecoder& model,
                                                 std::span<const Ids> sources,
                                                 const BeamOptions& beam,
                                                 const DecodingOptions& options) {
  require_beam(beam);
  require_options(options, sources.size());
  return decode_in_parts<std::vector<Hypothesis>>(
      sources, std::max<Index>(1, rows_of_part / beam.width),
      [&](std::span<const Ids> part, Index first) {
        return search_part(model, part, first, beam, options);
      });
}

}  // namespace adjoint::nn
