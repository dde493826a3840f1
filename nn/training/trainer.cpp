#include "nn/training/trainer.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "autograd/grad.h"
#include "autograd/tools/inspect.h"

namespace adjoint::nn {
namespace {

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
  require(std::isfinite(options.guided.weight) && options.guided.weight >= 0,
          "trainer: the weight of guided attention must be at least 0 and finite, got ",
          options.guided.weight);
  for (const NamedTensor& parameter : named_parameters(model))
    require(parameter.tensor.tracked(), "trainer: the parameter '", parameter.name,
            "' is not tracked: make it with variable()");
}

// The number of tokens to predict: all of a target but the first.
Index Trainer::check(const Shard& batch) const {
  const auto& [sources, targets, alignments, first] = batch;
  require(sources.size() == targets.size() && !sources.empty(), "trainer: ", sources.size(),
          " sources for ", targets.size(), " targets");
  require(alignments.empty() || alignments.size() == sources.size(), "trainer: ", alignments.size(),
          " alignments for ", sources.size(), " sources");
  const GuidedHead& guided = options_.guided;
  require(alignments.empty() || (guided.weight > 0 && !guided.layer.empty() && guided.head != none),
          "trainer: alignments have no effect without a guided head and its weight");
  Index tokens = 0;
  for (const Ids& target : targets) {
    require(target.size() >= 2, "trainer: a target has ", target.size(),
            " tokens; it needs the begin symbol and at least one token to predict");
    tokens += std::ssize(target) - 1;
  }
  return tokens;
}

StepResult Trainer::step(std::span<const Ids> sources, std::span<const Ids> targets,
                         std::span<const Links> alignments) {
  const Shard batch = {sources, targets, alignments};
  const Index tokens = check(batch);
  const std::vector<Shard> shards = cut(batch, options_.shards * options_.micro_batches);
  const Key key = next_key();

  std::vector<double> sums_of_shards(shards.size()), alignment_sums(shards.size());
  std::vector<Index> aligned(shards.size());
  std::vector<Tensors> gradients;  // the sum of the micro-batches so far, then of each shard
  double norm = 0;
  const auto in_parallel = static_cast<std::size_t>(options_.shards);
  for (std::size_t first = 0; first < shards.size(); first += in_parallel) {
    const std::size_t count = std::min(in_parallel, shards.size() - first);
    const std::size_t sums = gradients.size();
    gradients.resize(sums + count);
    parallel_tasks(static_cast<Index>(count), [&](Index task) {
      const auto i = static_cast<std::size_t>(task);
      const Losses found = losses(model_, shards[first + i], Context::training(key));
      sums_of_shards[first + i] = found.cross_entropy.item();
      if (!alignments.empty()) alignment_sums[first + i] = found.alignment.sum.item();
      aligned[first + i] = found.alignment.count;
      const Tensor sum = objective(found);
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
  StepResult result = result_of(sums_of_shards, tokens, norm);
  result.aligned = std::accumulate(aligned.begin(), aligned.end(), Index{0});
  if (result.aligned > 0)
    result.alignment_loss = std::accumulate(alignment_sums.begin(), alignment_sums.end(), 0.0) /
                            static_cast<double>(result.aligned);
  return result;
}

StepResult Trainer::evaluate(std::span<const Ids> sources, std::span<const Ids> targets) const {
  const NoRecording guard;
  const Shard batch = {sources, targets, {}};
  const Index tokens = check(batch);
  const std::vector<Shard> shards = cut(batch, options_.shards);
  std::vector<double> sums(shards.size());
  parallel_tasks(std::ssize(shards), [&](Index task) {
    const auto i = static_cast<std::size_t>(task);
    sums[i] = losses(model_, shards[i], Context::inference()).cross_entropy.item();
  });
  return result_of(sums, tokens, 0);
}

Tensor Trainer::next_loss(const EncoderDecoder& other, std::span<const Ids> sources,
                          std::span<const Ids> targets, std::span<const Links> alignments) const {
  const Shard batch = {sources, targets, alignments};
  const Index tokens = check(batch);
  const std::vector<Shard> shards = cut(batch, options_.shards * options_.micro_batches);
  Tensors sums(shards.size());
  const auto compute = [&](Index task) {
    const auto i = static_cast<std::size_t>(task);
    sums[i] = objective(losses(other, shards[i], Context::training(next_key())));
  };
  // One tape for all shards is recorded in order, since a sweep adds up in the order of recording.
  if (recording())
    for (Index task = 0; task < std::ssize(shards); ++task) compute(task);
  else
    parallel_tasks(std::ssize(shards), compute);
  Tensor sum = sums[0];
  for (const Tensor& part : std::span(sums).subspan(1)) sum = sum + part;
  return sum / static_cast<double>(tokens);
}

// Consecutive examples, with about the same number of tokens in each shard. There may be fewer
// shards than asked for, and never an empty one.
std::vector<Trainer::Shard> Trainer::cut(const Shard& batch, Index count) {
  const auto& [sources, targets, alignments, first] = batch;
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
                      alignments.empty() ? alignments : alignments.subspan(begin, end - begin),
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

Trainer::Losses Trainer::losses(const EncoderDecoder& model, const Shard& shard,
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
  const auto loss_of = [&](const Tensor& logits) {
    return masked_cross_entropy(logits, batch(outputs).ids, options_.padding, options_.smoothing)
        .sum;
  };
  if (shard.alignments.empty()) return {loss_of(model.logits(source, input, context)), {}};
  const GuidedHead& guided = options_.guided;
  AttentionWeights seen;
  Losses losses = {loss_of(model.logits(source, input, context.watching(seen, guided.layer))), {}};
  const auto weights = seen.find(guided.layer);
  require(weights != seen.end(), "trainer: the model has no attention layer '", guided.layer, "'");
  losses.alignment = alignment_loss(weights->second, guided.head, shard.alignments);
  return losses;
}

Tensor Trainer::objective(const Losses& losses) const {
  if (losses.alignment.count == 0) return losses.cross_entropy;
  return losses.cross_entropy + losses.alignment.sum * options_.guided.weight;
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
  if (o.guided.weight > 0) {
    visit.fixed("guided_layer", o.guided.layer).fixed("guided_head", o.guided.head);
    visit.fixed("guided_weight", o.guided.weight);
  }
}

}  // namespace adjoint::nn
