#include "examples/experiments/frame/training.h"

#include <algorithm>
#include <numeric>

#include "data/pairs/tasks.h"
#include "nn/decoding/generation.h"
#include "nn/training/trainer.h"

namespace adjoint::experiments {
namespace {

Task encoded(const data::Split& split, const std::vector<data::Pair>& longer = {}) {
  const data::Vocabulary source(data::sources(split.train)), target(data::targets(split.train));
  return {data::encode(split.train, source, target), data::encode(split.held_out, source, target),
          source.size(), target.size(), data::encode(longer, source, target)};
}

data::Split reversals(Index min_length, Index max_length, Index train_count, Index held_out_count,
                      Key key) {
  return data::make_task("reverse", {.symbols = 10,
                                     .min_length = min_length,
                                     .max_length = max_length,
                                     .train_count = train_count,
                                     .held_out_count = held_out_count,
                                     .key = key});
}

// Up to `peak` within a tenth of the steps, then down to 0, in straight lines.
double rate(double peak, Index step, Index steps) {
  const double rise = std::max(1.0, 0.1 * static_cast<double>(steps));
  const auto now = static_cast<double>(step), all = static_cast<double>(steps);
  return peak * std::min((now + 1) / rise, (all - now) / (all - rise));
}

}  // namespace

Task reversal(const Reversal& sizes, Key key) {
  const data::Split split =
      reversals(sizes.min_length, sizes.max_length, sizes.train_count, sizes.held_out_count, key);
  if (sizes.longest == 0) return encoded(split);
  return encoded(split, reversals(sizes.max_length + 1, sizes.longest, 0, sizes.held_out_count,
                                  key.child("longer"))
                            .held_out);
}

Task english_french(Index most_pairs, Index held_out_count, Key key) {
  data::Corpus corpus = data::read_corpus("data/english-french.tsv", {});
  if (std::ssize(corpus.pairs) > most_pairs)
    corpus.pairs.resize(static_cast<std::size_t>(most_pairs));
  return encoded(data::split_by_count(corpus.pairs, held_out_count, key));
}

nn::TransformerConfig small_transformer(const Task& task) {
  nn::TransformerConfig config;
  config.source_tokens = task.source_tokens;
  config.target_tokens = task.target_tokens;
  config.width = config.hidden = 64;
  config.heads = 4;
  config.encoder_blocks = config.decoder_blocks = 1;
  config.dropout = 0;
  config.max_length = 64;
  return config;
}

double train(const nn::EncoderDecoder& model, const data::EncodedPairs& pairs, const Recipe& recipe,
             Key key) {
  nn::Adam optimizer(nn::parameters(model), {.learning_rate = recipe.learning_rate});
  nn::Trainer trainer(model, optimizer, {.shards = 1, .key = key.child("dropout")});
  data::Batches batches(pairs, {recipe.batch}, key.child("batches"));
  const Index last = std::max<Index>(1, recipe.steps / 10);
  double loss = 0;
  for (Index step = 0; step < recipe.steps; ++step) {
    optimizer.set_learning_rate(rate(recipe.learning_rate, step, recipe.steps));
    const data::EncodedPairs batch = batches.next();
    const nn::StepResult result = trainer.step(batch.sources, batch.targets);
    if (step >= recipe.steps - last) loss += result.loss / static_cast<double>(last);
  }
  return loss;
}

double exact_match(const nn::EncoderDecoder& model, const data::EncodedPairs& pairs) {
  std::size_t longest = 0;
  for (const Ids& target : pairs.targets) longest = std::max(longest, target.size());
  const std::vector<Ids> answers =
      nn::greedy(model, pairs.sources, {.max_length = static_cast<Index>(longest)});
  Index right = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const Ids& target = pairs.targets[i];  // with bos and eos, which answers lack
    right += std::ranges::equal(answers[i], std::span(target).subspan(1, target.size() - 2));
  }
  return 100.0 * static_cast<double>(right) / static_cast<double>(answers.size());
}

double mean_loss(const nn::EncoderDecoder& model, const data::EncodedPairs& pairs) {
  nn::Sgd unused(nn::parameters(model), 0);
  const nn::Trainer trainer(model, unused, {.shards = 1});
  return trainer.evaluate(pairs.sources, pairs.targets).loss;
}

}  // namespace adjoint::experiments
