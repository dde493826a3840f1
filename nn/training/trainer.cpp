#include "nn/training/trainer.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "autograd/grad.h"
#include "autograd/tools/inspect.h"

namespace adjoint::nn {
namespace {

// Checks a batch and counts the tokens to predict: all of a target but the first.
Index count_tokens(std::span<const Ids> sources, std::span<const Ids> targets) {
  require(sources.size() == targets.size() && !sources.empty(), "trainer: ", sources.size(),
          " sources for ", targets.size(), " targets");
  Index tokens = 0;
  for (const Ids& target : targets) {
    require(target.size() >= 2, "trainer: a target has ", target.size(),
            " tokens; it needs the begin symbol and at least one token to predict");
    tokens += std::ssize(target) - 1;
  }
  return tokens;
}

StepResult result_of(const std::vector<double>& losses, Index tokens, double norm) {
  const double sum = std::accumulate(losses.begin(), losses.end(), 0.0);
  return {sum / static_cast<double>(tokens), tokens, norm};
}

}  // namespace

Trainer::Trainer(const EncoderDecoder& model, Optimizer& optimizer, const TrainerOptions& options)
    : model_(model), optimizer_(optimizer), options_(options), parameters_(parameters(model)) {
  require(options.shards >= 1, "trainer: needs at least one shard, got ", options.shards);
  require(std::isfinite(options.clip) && options.clip >= 0,
          "trainer: the clipping limit must be at least 0 and finite, got ", options.clip);
  require(options.micro_batches >= 1, "trainer: needs at least one micro-batch, got ",
          options.micro_batches);
  require(options.scheduled_sampling >= 0 && options.scheduled_sampling < 1,
          "trainer: the probability of scheduled sampling must lie in [0, 1), is ",
          options.scheduled_sampling);
  for (const NamedTensor& parameter : named_parameters(model))
    require(parameter.tensor.tracked(), "trainer: the parameter '", parameter.name,
            "' is not tracked: make it with variable()");
}

StepResult Trainer::step(std::span<const Ids> sources, std::span<const Ids> targets) {
  const Index tokens = count_tokens(sources, targets);
  const std::vector<Shard> shards = cut(sources, targets, options_.shards * options_.micro_batches);
  const Key key = next_key();

  std::vector<double> losses(shards.size());
  std::vector<Tensors> gradients;  // the sum of the micro-batches so far, then of each shard
  double norm = 0;
  const auto in_parallel = static_cast<std::size_t>(options_.shards);
  for (std::size_t first = 0; first < shards.size(); first += in_parallel) {
    const std::size_t count = std::min(in_parallel, shards.size() - first);
    const std::size_t sums = gradients.size();
    gradients.resize(sums + count);
    parallel_tasks(static_cast<Index>(count), [&](Index task) {
      const auto i = static_cast<std::size_t>(task);
      const Tensor sum = loss(model_, shards[first + i], Context::training(key));
      losses[first + i] = sum.item();
      if (i == 0 && !leaves_checked_) require_all_listed(sum);
      // Divided by the whole batch's count, so that the shards' gradients add up to the mean's.
      gradients[sums + i] = grad(sum / static_cast<double>(tokens), parameters_, {.consume = true});
    });
    leaves_checked_ = true;
    norm = add_up(gradients);
    gradients.resize(1);
  }

  if (!std::isfinite(norm))
    throw NotFinite(text_from(
        "trainer: the gradients' norm is ", std::isnan(norm) ? "NaN" : "infinite",
        ", since a value in the model or its loss is NaN or has overflowed; repeat the step under "
        "DetectAnomaly (autograd/tools/anomaly.h) to see where"));
  optimizer_.step(gradients.front(), options_.clip > 0 ? clipping_factor(norm, options_.clip) : 1);
  return result_of(losses, tokens, norm);
}

StepResult Trainer::evaluate(std::span<const Ids> sources, std::span<const Ids> targets) const {
  const NoRecording guard;
  const Index tokens = count_tokens(sources, targets);
  const std::vector<Shard> shards = cut(sources, targets, options_.shards);
  std::vector<double> losses(shards.size());
  parallel_tasks(std::ssize(shards), [&](Index task) {
    const auto i = static_cast<std::size_t>(task);
    losses[i] = loss(model_, shards[i], Context::inference()).item();
  });
  return result_of(losses, tokens, 0);
}

Tensor Trainer::next_loss(const EncoderDecoder& other, std::span<const Ids> sources,
                          std::span<const Ids> targets) const {
  const Index tokens = count_tokens(sources, targets);
  const std::vector<Shard> shards = cut(sources, targets, options_.shards * options_.micro_batches);
  Tensors losses(shards.size());
  const auto compute = [&](Index task) {
    const auto i = static_cast<std::size_t>(task);
    losses[i] = loss(other, shards[i], Context::training(next_key()));
  };
  // One tape for all shards is recorded in order, since a sweep adds up in the order of recording.
  if (recording())
    for (Index task = 0; task < std::ssize(shards); ++task) compute(task);
  else
    parallel_tasks(std::ssize(shards), compute);
  Tensor sum = losses[0];
  for (const Tensor& part : std::span(losses).subspan(1)) sum = sum + part;
  return sum / static_cast<double>(tokens);
}

// Consecutive examples, with about the same number of tokens in each shard. There may be fewer
// shards than asked for, and never an empty one.
std::vector<Trainer::Shard> Trainer::cut(std::span<const Ids> sources, std::span<const Ids> targets,
                                         Index count) const {
  const auto tokens_of = [&](std::size_t i) { return sources[i].size() + targets[i].size(); };
  std::size_t total = 0;
  for (std::size_t i = 0; i < sources.size(); ++i) total += tokens_of(i);

  std::vector<Shard> shards;
  std::size_t begin = 0, tokens = 0;  // tokens of the examples before `end`
  for (std::size_t end = 1; end <= sources.size(); ++end) {
    tokens += tokens_of(end - 1);
    const bool full = tokens * static_cast<std::size_t>(count) >= total * (shards.size() + 1);
    if (!full && end < sources.size()) continue;
    shards.push_back({sources.subspan(begin, end - begin), targets.subspan(begin, end - begin),
                      static_cast<Index>(begin)});
    begin = end;
  }
  return shards;
}

// The first token of a target is the begin symbol, which stays. A coin for each other token depends
// on its example and position, so cutting the batch changes nothing.
Sequences Trainer::with_predictions(const Sequences& source, const Sequences& input,
                                    const Context& context) const {
  const NoRecording guard;
  const Layout& layout = input.layout;
  const Tensor predicted = argmax(model_.logits(source, input, Context::inference()));  // […]
  const Tensor coins = adjoint::dropout(ones({layout.rows(), 1}), options_.scheduled_sampling,
                                        context.take_key(), layout.row_numbers());
  Sequences result{copy(input.ids), layout};
  Index* const id = result.ids.edit<Index>().data();
  for (Index example = 0; example < layout.examples(); ++example)
    for (Index step = 1; step < layout.length(example); ++step) {
      const Index row = layout.begin(example) + step;
      if (coins.values<float>()[static_cast<std::size_t>(row)] == 0)
        id[row] = predicted.values<Index>()[static_cast<std::size_t>(row - 1)];
    }
  return result;
}

// Summed over the shard's tokens.
Tensor Trainer::loss(const EncoderDecoder& model, const Shard& shard,
                     const Context& context) const {
  std::vector<Ids> inputs, outputs;
  for (const Ids& target : shard.targets) {
    inputs.emplace_back(target.begin(), target.end() - 1);
    outputs.emplace_back(target.begin() + 1, target.end());
  }
  const auto batch = [&](std::span<const Ids> sequences) {
    const Sequences all = options_.packed ? Sequences::packed(sequences)
                                          : Sequences::padded(sequences, options_.padding);
    return all.placed(shard.first_example);
  };
  const Sequences source = batch(shard.sources);
  Sequences input = batch(inputs);
  if (context.training() && options_.scheduled_sampling > 0)
    input = with_predictions(source, input, context.child("scheduled_sampling"));
  const Tensor logits = model.logits(source, input, context);
  return masked_cross_entropy(logits, batch(outputs).ids, options_.padding, options_.smoothing).sum;
}

void Trainer::require_all_listed(const Tensor& loss) const {
  std::set<std::uint64_t> listed;
  for (const Tensor& parameter : parameters_) listed.insert(parameter.history().node->number());
  for (const NodePtr& node : tape(loss)) {
    if (!node->is_leaf() || listed.contains(node->number())) continue;
    const std::string& label = static_cast<const Leaf&>(*node).label();
    fail("trainer: the loss depends on a leaf", label.empty() ? "" : " '" + label + "'",
         " of shape ", node->outputs()[0].form.shape,
         " that the model's fields() does not list, so it would never be trained");
  }
}

void Trainer::state(State& visit) const {
  const TrainerOptions& o = options_;
  // "parts" is what state files have always called micro-batches.
  visit.fixed("shards", o.shards).fixed("parts", o.micro_batches).fixed("clip", o.clip);
  visit.fixed("smoothing", o.smoothing).fixed("packed", o.packed).fixed("padding", o.padding);
  visit.fixed("key", o.key);
  // Stored only where needed, so that runs of earlier versions can be resumed.
  if (o.scheduled_sampling > 0) visit.fixed("scheduled_sampling", o.scheduled_sampling);
}

}  // namespace adjoint::nn
