#include "nn/decoding/greedy.h"

#include <cmath>

#include "nn/decoding/generation.h"

namespace adjoint::nn {
namespace {

// The likeliest token that the choice allows. Usually that is the largest logit, and then the
// probabilities need not be computed.
Index likeliest(const Tensor& logits, Index row, const Choice& choice) {
  const Index forced = choice.forced(), best = forced == none ? argmax_of_row(logits, row) : forced;
  if (choice.allows(best) && std::isfinite(logits.at({row, best}))) return best;
  const Ids candidates = NextToken(logits, row, choice).likeliest(1);
  require_candidates(candidates, choice);
  return candidates.front();
}

}  // namespace

std::vector<Ids> greedy(const EncoderDecoder& model, std::span<const Ids> sources,
                        const DecodingOptions& options) {
  std::vector<Ids> targets;
  for (Hypothesis& hypothesis :
       generate(model, sources, options, [](const Tensor&logits, Index row, const Choice&choice) {
         return Token{likeliest(logits, row, choice)};
       }))
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

}  // namespace adjoint::nn
