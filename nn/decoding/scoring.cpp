#include "nn/decoding/scoring.h"

#include <cmath>
#include <numeric>

#include "nn/decoding/one_by_one.h"

namespace adjoint::nn {
namespace {

std::vector<PairScore> score_part(const EncoderDecoder& model, std::span<const Ids> sources,
                                  std::span<const Ids> targets, Index first,
                                  const DecodingOptions& options) {
  const NoRecording guard;
  std::vector<Ids> read, predicted;
  for (const Ids& target : targets) {
    predicted.push_back(target);
    if (options.end != none) predicted.back().push_back(options.end);
    read.push_back(predicted.back());
    read.back().insert(read.back().begin(), options.begin);
    read.back().pop_back();
  }
  const Tensor logits = model.logits(Sequences::padded(sources, options.padding),
                                     Sequences::padded(read, options.padding),
                                     Context::inference());  // [batch, steps, tokens]
  const Index steps = logits.size(1), tokens = logits.size(2);
  const Tensor rows = reshape(logits, {logits.size(0) * steps, tokens});  // [batch · steps, tokens]
  const DecodingOptions unrestricted;
  std::vector<PairScore> scores(targets.size());
  for (std::size_t i = 0; i < targets.size(); ++i)
    for (Index step = 0; step < std::ssize(predicted[i]); ++step) {
      const Choice choice(first + static_cast<Index>(i), step, unrestricted);
      const Index id = predicted[i][static_cast<std::size_t>(step)];
      require(id >= 0 && id < tokens, "score: target ", choice.source, " holds ", id,
              ", the model has ", tokens, " tokens");
      const NextToken next(rows, static_cast<Index>(i) * steps + step, choice);
      scores[i].tokens.push_back(next.log_probability(id));
      scores[i].likeliest.push_back(next.likeliest(1).front());
    }
  return scores;
}

}  // namespace

double PairScore::log_probability() const {
  return std::accumulate(tokens.begin(), tokens.end(), 0.0);
}

std::vector<PairScore> score(const EncoderDecoder& model, std::span<const Ids> sources,
                             std::span<const Ids> targets, const DecodingOptions& options) {
  require(sources.size() == targets.size(), "score: ", sources.size(), " sources and ",
          targets.size(), " targets");
  return decode_in_parts<PairScore>(
      sources, rows_of_part, [&](std::span<const Ids> part, Index first) {
        const auto of_part = targets.subspan(static_cast<std::size_t>(first), part.size());
        return score_part(model, part, of_part, first, options);
      });
}

double perplexity(std::span<const PairScore> scores) {
  double sum = 0, count = 0;
  for (const PairScore& score : scores) {
    sum += score.log_probability();
    count += static_cast<double>(score.tokens.size());
  }
  require(count > 0, "perplexity: there are no tokens");
  return std::exp(-sum / count);
}

}  // namespace adjoint::nn
