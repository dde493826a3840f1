#include "tests/nn/toy_models.h"

#include <cmath>

namespace adjoint::testing {

using nn::Hypothesis;
using nn::Ids;

namespace {

// The first `count` ids of an example.
Ids ids_of(const nn::Sequences& sequences, Index example, Index count) {
  const Index* const ids = sequences.ids.values<Index>().data() + sequences.layout.begin(example);
  return {ids, ids + count};
}

}  // namespace

Tensor PrefixModel::logits(const nn::Sequences& source, const nn::Sequences& target,
                           const nn::Context&) const {
  ++runs;
  std::vector<double> all;
  for (Index i = 0; i < target.layout.examples(); ++i)
    for (Index step = 0; step < target.layout.steps(); ++step) {
      const Index length = std::min(step + 1, target.layout.length(i));
      const std::vector<double> next =
          row(ids_of(source, i, source.layout.length(i)), ids_of(target, i, length));
      all.insert(all.end(), next.begin(), next.end());
    }
  return adjoint::cast(from(all, target.layout.leading().joined({tokens})), dtype);
}

PrefixModel random_tree(Index tokens, Key key, double deviation) {
  return PrefixModel(tokens, [=](const Ids& source, const Ids& prefix) {
    Key place = key;
    for (const Ids* ids : {&source, &prefix}) {
      for (const Index id : *ids) place = place.child(static_cast<std::uint64_t>(id));
      place = place.child("and then");
    }
    return numbers(normal({tokens}, 0, deviation, place, DType::f64));
  });
}

std::vector<double> log_softmax_of(const std::vector<double>& x) {
  double normaliser = 0;
  for (const double logit : x) normaliser += std::exp(logit);
  std::vector<double> result;
  for (const double logit : x) result.push_back(logit - std::log(normaliser));
  return result;
}

std::vector<Hypothesis> all_targets(const PrefixModel& model, const Ids& source,
                                    const nn::DecodingOptions& options, const Ids& prefix) {
  if (std::ssize(prefix) == options.max_length) return {{.ids = prefix}};
  Ids read = prefix;
  read.insert(read.begin(), options.begin);
  const std::vector<double> next = log_softmax_of(model.row(source, read));
  std::vector<Hypothesis> result;
  for (Index id = 0; id < model.tokens; ++id) {
    Ids longer = prefix;
    longer.push_back(id);
    const std::vector<Hypothesis> continued =
        id == options.end ? std::vector<Hypothesis>{{.ids = prefix, .ended = true}}
                          : all_targets(model, source, options, longer);
    for (Hypothesis hypothesis : continued) {
      hypothesis.log_probability += next[static_cast<std::size_t>(id)];
      result.push_back(std::move(hypothesis));
    }
  }
  return result;
}

}  // namespace adjoint::testing
