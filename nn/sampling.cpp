#include "nn/sampling.h"

#include <algorithm>
#include <cmath>

#include "nn/one_by_one.h"

namespace adjoint::nn {
namespace {

// The position of the first of the running sums that reaches a share, in (0, 1], of their whole.
// Weights of 0 add nothing and are never the first.
std::size_t reaching(const std::vector<double>& sums, double share) {
  const auto first = std::ranges::lower_bound(sums, share * sums.back());
  return static_cast<std::size_t>(first - sums.begin());
}

// One of the ids, with a probability proportional to exp(logit / temperature), by inverting the
// distribution function at u in (0, 1].
Index draw(const NextToken& next, const Ids& ids, const SamplingOptions& sampling, double u) {
  double largest = next.logit(ids.front());
  for (const Index id : ids) largest = std::max(largest, next.logit(id));
  std::vector<double> sums;  // of the weights up to each id
  double sum = 0;
  for (const Index id : ids)
    sums.push_back(sum += std::exp((next.logit(id) - largest) / sampling.temperature));
  sums.resize(reaching(sums, sampling.top_p) + 1);
  return ids[reaching(sums, u)];
}

void require_sampling(const SamplingOptions& sampling, std::size_t sources) {
  const auto& [temperature, top_k, top_p, key, numbers] = sampling;
  require(temperature > 0 && std::isfinite(temperature),
          "sample: temperature must be above 0 (greedy() is the limit), is ", temperature);
  require(top_k >= 0, "sample: top_k must be at least 1, or 0 for all tokens, is ", top_k);
  require(top_p > 0 && top_p <= 1, "sample: top_p must lie in (0, 1], is ", top_p);
  require(numbers.empty() || numbers.size() == sources, "sample: ", numbers.size(), " numbers for ",
          sources, " sources; give one for each, or none");
}

}  // namespace

std::vector<Hypothesis> sample(const EncoderDecoder& model, std::span<const Ids> sources,
                               const SamplingOptions& sampling, const DecodingOptions& options) {
  require_sampling(sampling, sources.size());
  const bool all = sampling.top_k == 0 && sampling.top_p == 1;  // then the order does not matter
  const auto uniform_of = [&](const Choice& choice) {           // in (0, 1]
    const Index number = sampling.numbers.empty()
                             ? choice.source
                             : sampling.numbers[static_cast<std::size_t>(choice.source)];
    const Key key = sampling.key.child(static_cast<std::uint64_t>(number))
                        .child(static_cast<std::uint64_t>(choice.step));
    return 1 - uniform({}, 0, 1, key, DType::f64).item();
  };
  return decode_one_by_one(
      model, sources, options, [&](const Tensor& logits, Index row, const Choice& choice) {
        const NextToken next(logits, row, choice);
        const Index kept = sampling.top_k == 0 ? logits.size(1) : sampling.top_k;
        const Ids ids = all ? next.candidates() : next.likeliest(kept);
        require_candidates(ids, choice);
        const Index id = draw(next, ids, sampling, uniform_of(choice));
        return Token{id, next.log_probability(id)};
      });
}

}  // namespace adjoint::nn
