#include "nn/training/trainer.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "autograd/grad.h"
#include "autograd/tools/inspect.h"

namespace adjoint::nn {
namespace {

void require_batch(std::span<const Ids> sources, std::span<const Ids> targets) {
  require(sources.size() == targets.size() && !sources.empty(), "trainer: ", sources.size(),
          " sources for ", targets.size(), " targets");
  for (const Ids& target : targets)
    require(target.size() >= 2, "trainer: a target of ", target.size(),
            " tokens; it needs the one that begins decoding and one to predict");
}

// Tokens to predict: all of a target but the first.
Index predicted(std::span<const Ids> targets) {
  Index count = 0;
  for (const Ids& target : targets) count += static_cast<Index>(target.size()) - 1;
  return count;
}

}  // namespace

Trainer::Trainer(const EncoderDecoder& model, Optimizer& optimizer, const TrainerOptions& options)
    : model_(model), optimizer_(optimizer), options_(options), parameters_(parameters(model)) {
  require(options.shards >= 1, "trainer: needs at least one shard, got ", options.shards);
  require(options.parts >= 1, "trainer: needs at least one part, got ", options.parts);
  for (const NamedTensor& parameter : named_parameters(model))
    require(parameter.tensor.tracked(), "trainer: the parameter '", parameter.name,
            "' is no leaf: make it with variable()");
}

// Contiguous runs of examples with about the same number of tokens each.
std::vector<Trainer::Shard> Trainer::cut(std::span<const Ids> sources, std::span<const Ids> targets,
                                         Index parts) const {
  std::vector<std::size_t> tokens;
  for (std::size_t i = 0; i < sources.size(); ++i)
    tokens.push_back(sources[i].size() + targets[i].size());
  const std::size_t total = std::accumulate(tokens.begin(), tokens.end(), std::size_t{0});
  const auto wanted = static_cast<std::size_t>(options_.shards * parts);

  std::vector<Shard> shards(1);
  std::size_t before = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (before * wanted >= total * shards.size() && shards.back().count > 0)
      shards.push_back({static_cast<Index>(i), 0});
    ++shards.back().count;
    before += tokens[i];
  }
  return shards;
}

LossSum Trainer::loss(const Shard& shard, std::span<const Ids> sources,
                      std::span<const Ids> targets, const Context& context) const {
  const auto first = static_cast<std::size_t>(shard.first);
  const auto count = static_cast<std::size_t>(shard.count);
  std::vector<Ids> inputs, outputs;
  for (const Ids& target : targets.subspan(first, count)) {
    inputs.emplace_back(target.begin(), target.end() - 1);
    outputs.emplace_back(target.begin() + 1, target.end());
  }
  const auto batch = [&](std::span<const Ids> sequences) {
    return options_.packed ? Sequences::packed(sequences)
                           : Sequences::padded(sequences, options_.padding);
  };
  const Tensor logits = model_.logits(batch(sources.subspan(first, count)).placed(shard.first),
                                      batch(inputs).placed(shard.first), context);
  return masked_cross_entropy(logits, batch(outputs).ids, options_.padding, options_.smoothing);
}

void Trainer::require_all_listed(const Tensor& loss) const {
  std::set<std::uint64_t> listed;
  for (const Tensor& parameter : parameters_) listed.insert(parameter.history().node->number());
  for (const NodePtr& node : tape(loss)) {
    if (!node->is_leaf() || listed.contains(node->number())) continue;
    const std::string& label = static_cast<const Leaf&>(*node).label();
    fail("trainer: the loss depends on a leaf", label.empty() ? "" : " '" + label + "'",
         " of shape ", node->outputs()[0].form.shape,
         " that the model's fields() do not list; it would never be trained");
  }
}

StepResult Trainer::step(std::span<const Ids> sources, std::span<const Ids> targets) {
  require_batch(sources, targets);
  const std::vector<Shard> shards = cut(sources, targets, options_.parts);
  const Index tokens = predicted(targets);
  const Key key = options_.key.child(static_cast<std::uint64_t>(optimizer_.steps()));

  std::vector<double> losses(shards.size());
  std::vector<Tensors> gradients;  // the first are the sums of the parts before
  double norm = 0;
  const auto together = static_cast<std::size_t>(options_.shards);
  for (std::size_t begin = 0; begin < shards.size(); begin += together) {
    const std::size_t count = std::min(together, shards.size() - begin);
    const std::size_t sums = gradients.size();
    gradients.resize(sums + count);
    parallel_tasks(static_cast<Index>(count), [&](Index i) {
      const auto at = static_cast<std::size_t>(i);
      const Tensor sum = loss(shards[begin + at], sources, targets, Context::training(key)).sum;
      losses[begin + at] = sum.item();
      if (at == 0 && !leaves_checked_) require_all_listed(sum);
      // Divided by the whole batch's count, so that the shards' gradients add up to the mean's.
      gradients[sums + at] =
          grad(sum / static_cast<double>(tokens), parameters_, {.consume = true});
    });
    leaves_checked_ = true;
    norm = add_up(gradients);
    gradients.resize(1);
  }

  require_finite("trainer", norm);
  optimizer_.step(gradients.front(), options_.clip > 0 ? clipping_factor(norm, options_.clip) : 1);
  const double loss = std::accumulate(losses.begin(), losses.end(), 0.0);
  return {loss / static_cast<double>(tokens), tokens, norm};
}

StepResult Trainer::evaluate(std::span<const Ids> sources, std::span<const Ids> targets) const {
  require_batch(sources, targets);
  const NoRecording guard;
  const std::vector<Shard> shards = cut(sources, targets, 1);
  const Index tokens = predicted(targets);
  std::vector<double> losses(shards.size());
  parallel_tasks(static_cast<Index>(shards.size()), [&](Index i) {
    const auto at = static_cast<std::size_t>(i);
    losses[at] = loss(shards[at], sources, targets, Context::inference()).sum.item();
  });
  return {std::accumulate(losses.begin(), losses.end(), 0.0) / static_cast<double>(tokens), tokens,
          0};
}

void Trainer::state(State& visit) const {
  const TrainerOptions& o = options_;
  visit.fixed("shards", o.shards).fixed("parts", o.parts).fixed("clip", o.clip);
  visit.fixed("smoothing", o.smoothing).fixed("packed", o.packed).fixed("padding", o.padding);
  visit.fixed("key", o.key);
}

}  // namespace adjoint::nn
