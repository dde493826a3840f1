#include "nn/decoding/generation.h"

#include <cmath>
#include <functional>

#include "nn/decoding/next_token.h"

namespace adjoint::nn {
namespace {

// ---- The loop -----------------------------------------------------------------------------------

struct Token {
  Index id;
  double log_probability = 0;
};

// Chooses a token from a row of logits [rows, tokens].
using ChooseToken = std::function<Token(const Tensor& logits, Index row, const Choice& choice)>;

// One target for each source, with the tokens that `choose` chooses.
std::vector<Hypothesis> generate(const EncoderDecoder& model, std::span<const Ids> sources,
                                 const DecodingOptions& options, const ChooseToken& choose) {
  options.check(sources.size());
  return in_batches(sources, rows_per_batch, [&](std::span<const Ids> batch, Index first) {
    const auto decoding =
        model.decode(Sequences::padded(batch, options.padding), options.max_length);
    const Index rows = std::ssize(batch);
    std::vector<Hypothesis> results(batch.size());
    Ids last(batch.size(), options.begin);
    Index unfinished = rows;
    for (Index step = 0; step < options.max_length && unfinished > 0; ++step) {
      const Tensor logits = decoding->step(from(last, {rows}));  // [rows, tokens]
      if (step == 0) options.check_vocabulary(logits.size(1));
      for (Index row = 0; row < rows; ++row) {
        Hypothesis& result = results[static_cast<std::size_t>(row)];
        if (result.ended) continue;  // its row is still computed, and ignored
        const Token token = choose(logits, row, Choice{first + row, step, options});
        last[static_cast<std::size_t>(row)] = token.id;
        result.log_probability += token.log_probability;
        result.ended = token.id == options.end;
        if (result.ended)
          --unfinished;
        else
          result.ids.push_back(token.id);
      }
    }
    for (Hypothesis& result : results) result.score = result.log_probability;
    return results;
  });
}

// ---- Greedy -------------------------------------------------------------------------------------

// The likeliest token that the choice allows. Usually that is the largest logit, and then the
// probabilities need not be computed.
Index likeliest(const Tensor& logits, Index row, const Choice& choice) {
  const Index forced = choice.forced(), best = forced == none ? argmax_of_row(logits, row) : forced;
  if (choice.allows(best) && std::isfinite(logits.at({row, best}))) return best;
  const Ids candidates = NextToken(logits, row, choice).likeliest(1);
  require_candidates(candidates, choice);
  return candidates.front();
}

// ---- Sampling -----------------------------------------------------------------------------------

struct Weighted {
  Index id;
  double weight;  // proportional to the probability
};

double sum_of(const std::vector<Weighted>& tokens) {
  double sum = 0;
  for (const Weighted& token : tokens) sum += token.weight;
  return sum;
}

// The index of the first token at which the running sum of weights reaches `sum`; its weight is
// above 0 if `sum` is. The last one if rounding keeps the sum from being reached.
std::size_t reaching(double sum, const std::vector<Weighted>& tokens) {
  double running = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i)
    if ((running += tokens[i].weight) >= sum) return i;
  return tokens.size() - 1;
}

// exp((x − max x) / temperature)
std::vector<Weighted> weigh(const NextToken& next, const Ids& ids, double temperature) {
  const auto logit = [&](Index id) { return next.logit(id); };
  const double largest = logit(std::ranges::max(ids, {}, logit));
  std::vector<Weighted> tokens;
  tokens.reserve(ids.size());
  for (const Index id : ids) tokens.push_back({id, std::exp((logit(id) - largest) / temperature)});
  return tokens;
}

// Keeps the fewest tokens whose share is at least `share`. Only a few need sorting: n tokens of
// less than (1 − share) / n each add up to less than 1 − share, so the others hold the share.
void keep_nucleus(std::vector<Weighted>& tokens, double share) {
  const double whole = sum_of(tokens), n = static_cast<double>(tokens.size());
  std::erase_if(tokens, [=](const Weighted& t) { return t.weight < (1 - share) * whole / n; });
  std::ranges::sort(tokens, [](const Weighted& a, const Weighted& b) {
    return a.weight > b.weight || (a.weight == b.weight && a.id < b.id);
  });
  tokens.resize(reaching(share * whole, tokens) + 1);
}

// Inverts the distribution function at u in (0, 1].
Index draw(const NextToken& next, const SamplingOptions& sampling, const Choice& choice, double u) {
  const Ids ids = sampling.top_k == 0 ? next.candidates() : next.likeliest(sampling.top_k);
  require_candidates(ids, choice);
  std::vector<Weighted> tokens = weigh(next, ids, sampling.temperature);
  if (sampling.top_p < 1) keep_nucleus(tokens, sampling.top_p);
  return tokens[reaching(u * sum_of(tokens), tokens)].id;
}

void require_sampling(const SamplingOptions& sampling, std::size_t sources) {
  const auto& [temperature, top_k, top_p, key, numbers] = sampling;
  require(temperature > 0 && std::isfinite(temperature),
          "sample: temperature must be above 0 and finite, is ", temperature,
          "; greedy() is its limit at 0");
  require(top_k >= 0, "sample: top_k must be at least 1, or 0 for all tokens, is ", top_k);
  require(top_p > 0 && top_p <= 1, "sample: top_p must be above 0 and at most 1, is ", top_p);
  require(numbers.empty() || numbers.size() == sources, "sample: ", numbers.size(), " numbers for ",
          sources, " sources; give one for each source, or none");
}

}  // namespace

std::vector<Ids> greedy(const EncoderDecoder& model, std::span<const Ids> sources,
                        const DecodingOptions& options) {
  const ChooseToken choose = [](const Tensor& logits, Index row, const Choice& choice) {
    return Token{likeliest(logits, row, choice)};
  };
  std::vector<Ids> targets;
  for (Hypothesis& hypothesis : generate(model, sources, options, choose))
    targets.push_back(std::move(hypothesis.ids));
  return targets;
}

std::vector<Hypothesis> greedy_hypotheses(const EncoderDecoder& model, std::span<const Ids> sources,
                                          const DecodingOptions& options) {
  return generate(model, sources, options,
                  [](const Tensor& logits, Index row, const Choice& choice) {
                    const Index id = likeliest(logits, row, choice);
                    return Token{id, NextToken(logits, row, choice).log_probability(id)};
                  });
}

std::vector<Hypothesis> sample(const EncoderDecoder& model, std::span<const Ids> sources,
                               const SamplingOptions& sampling, const DecodingOptions& options) {
  require_sampling(sampling, sources.size());
  const auto uniform_of = [&](const Choice& choice) {  // in (0, 1]
    const Index number = sampling.numbers.empty()
                             ? choice.source
                             : sampling.numbers[static_cast<std::size_t>(choice.source)];
    const Key key = sampling.key.child(static_cast<std::uint64_t>(number))
                        .child(static_cast<std::uint64_t>(choice.step));
    return 1 - uniform({}, 0, 1, key, DType::f64).item();
  };
  return generate(model, sources, options,
                  [&](const Tensor& logits, Index row, const Choice& choice) {
                    const NextToken next(logits, row, choice);
                    const Index id = draw(next, sampling, choice, uniform_of(choice));
                    return Token{id, next.log_probability(id)};
                  });
}

}  // namespace adjoint::nn
