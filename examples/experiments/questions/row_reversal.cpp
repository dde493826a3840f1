#include "examples/experiments/questions/row_reversal.h"

#include "autograd/grad.h"
#include "nn/training/loss.h"
#include "nn/training/schedule.h"

namespace adjoint::experiments {
namespace {

constexpr Index padding = 0;

struct Batch {
  Tensor ids, lengths, labels;  // [batch, steps], [batch], [batch, steps]

  explicit Batch(data::EncodedPairs pairs) {
    for (Ids& target : pairs.targets) target.erase(target.begin());  // bos
    const auto sources = nn::Sequences::padded(pairs.sources, padding);
    ids = sources.ids;
    lengths = nn::indices(sources.layout.lengths());
    labels = nn::Sequences::padded(pairs.targets, padding).ids;
  }
};

}  // namespace

Reverser::Reverser(const Task& task, const Orders& orders, Key key)
    : encoder({.tokens = task.source_tokens, .blocks = 2, .orders = orders}, key),
      output(encoder.layers.embedding.table.size(1), task.target_tokens, key.child("output")) {}

void train(const Reverser& model, const data::EncodedPairs& pairs, const Recipe& recipe, Key key) {
  const Tensors parameters = nn::parameters(model);
  nn::Adam optimizer(parameters, {.learning_rate = recipe.learning_rate});
  const nn::Schedule schedule({"linear", recipe.steps / 10, recipe.steps});
  data::Batches batches(pairs, {recipe.batch}, key);
  for (Index step = 0; step < recipe.steps; ++step) {
    const Batch batch(batches.next());
    const auto loss = nn::masked_cross_entropy(
        model.output(model.encoder(batch.ids, batch.lengths)), batch.labels, padding);
    const Tensors slopes = grad(loss.sum / static_cast<double>(loss.count), parameters);
    optimizer.set_learning_rate(recipe.learning_rate * schedule(step));
    optimizer.step(slopes, nn::clipping_factor(nn::global_norm(slopes), 1));
  }
}

Quality quality(const Reverser& model, const data::EncodedPairs& pairs, Index batch_size) {
  const NoRecording guard;
  double right = 0, all = 0, mass = 0, layers = 0;
  for (const auto& indices : data::batch_order(pairs.size(), batch_size, Key(1))) {
    const Batch batch(data::select(pairs, indices));
    const Tensor guess = argmax(model.output(model.encoder(batch.ids, batch.lengths)));
    const Tensor real = greater(batch.labels, scalar(padding, DType::i64));  // [batch, steps]
    const Tensor hit = where(real, equal(guess, batch.labels), real);
    right += sum(cast(hit, DType::f64)).item();
    all += sum(cast(real, DType::f64)).item();
    for (const Tensor& weights : model.encoder.weights(batch.ids, batch.lengths)) {
      mass += mass_on_padding(weights, batch.lengths);
      ++layers;
    }
  }
  return {100 * right / all, 100 * mass / layers};
}

}  // namespace adjoint::experiments
