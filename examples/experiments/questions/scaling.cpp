// "Why the embedding multiply the square root of the embedding dimension? Why rescale the values?
// Why the ratio is the square root of the embedding dimension?"
//
// A row of sinusoids has the root mean square 1/√2, whatever the width d is. An embedding whose
// table begins with deviation σ, times a factor c, has c·σ. So token and position are as √2·c·σ to
// 1 at the start: c = √d fits a table of deviation 1/√d. Other tables are common: deviation 1 in
// PyTorch, U(±0.07) in MXNet, U(±0.05) in Keras. Each is trained with the factor √d and without,
// and the table of deviation 1/√d with other powers of d as well.

#include <cmath>

#include "autograd/support/error.h"
#include "examples/experiments/frame/reparametrised.h"
#include "examples/experiments/frame/training.h"
#include "examples/experiments/questions.h"

namespace adjoint::experiments {
namespace {

constexpr Index width = 256;
const double d = static_cast<double>(width);

struct Arm {
  std::string name;
  double deviation;  // of the table's elements at the start
  bool is_normal;    // else uniform
  double factor;
};
const std::vector<Arm> arms = {
    {"N(σ = 1) × 1", 1, true, 1},
    {"N(σ = 1) × √d", 1, true, std::sqrt(d)},
    {"N(σ = 1/√d) × 1", 1 / std::sqrt(d), true, 1},
    {"N(σ = 1/√d) × d^¼", 1 / std::sqrt(d), true, std::pow(d, 0.25)},
    {"N(σ = 1/√d) × √d", 1 / std::sqrt(d), true, std::sqrt(d)},
    {"N(σ = 1/√d) × d", 1 / std::sqrt(d), true, d},
    {"U(±0.07) × 1", 0.07 / std::sqrt(3.0), false, 1},
    {"U(±0.07) × √d", 0.07 / std::sqrt(3.0), false, std::sqrt(d)},
    {"U(±0.05) × 1", 0.05 / std::sqrt(3.0), false, 1},
    {"U(±0.05) × √d", 0.05 / std::sqrt(3.0), false, std::sqrt(d)},
};
const std::string expected = "embedding / position: √2·c·σ", at_start = "at the start",
                  at_end = "after training", reversed = "reversed without a mistake (%)",
                  loss = "loss of the last steps";

Tensor table_of(const Arm& arm, const Tensor& table, Key key) {
  const double bound = arm.deviation * std::sqrt(3.0);  // the deviation of U(±b) is b/√3
  return variable(arm.is_normal ? normal(table.shape(), 0, arm.deviation, key)
                                : uniform(table.shape(), -bound, bound, key),
                  table.name());
}

Reparametrised model_of(const Arm& arm, const Task& task, Key key) {
  nn::TransformerConfig config = small_transformer(task);
  config.width = width;
  nn::Transformer model(config, key);
  for (nn::Embedding* embedding : {&model.encoder.embedding, &model.decoder.embedding}) {
    embedding->scaled = nn::Scaled::no;
    embedding->table = table_of(arm, embedding->table, key.child(embedding->table.name()));
  }
  return {model, [factor = arm.factor](nn::Transformer& copy) {
            for (Tensor* table : {&copy.encoder.embedding.table, &copy.decoder.embedding.table})
              *table = *table * factor;
          }};
}

double root_mean_square(const Tensor& x) { return std::sqrt(mean(x * x).item()); }

// Of what enters the first block of the encoder, for these strings.
double embedding_to_position(const Reparametrised& model, const std::vector<Ids>& strings) {
  const NoRecording guard;
  const nn::Sequences tokens = nn::Sequences::packed(strings);
  const nn::TransformerEncoder encoder = model.changed().encoder;
  return root_mean_square(encoder.embedding(tokens.ids)) /
         root_mean_square(gather(encoder.positions.table, tokens.layout.positions()));
}

void measure(const Effort& effort, Results& results) {
  const Recipe recipe{.steps = effort.sized<Index>(200, 5), .learning_rate = 1e-3};
  std::vector<std::string> names;
  for (const Arm& arm : arms) {
    names.push_back(arm.name);
    results.add({expected, arm.name, {}, {}, std::sqrt(2.0) * arm.factor * arm.deviation});
  }
  run_all(results, names, effort.seeds(8, 2), [&](std::size_t arm, Index seed) {
    const Key key(static_cast<std::uint64_t>(seed));
    const Task task = reversal({.held_out_count = effort.sized<Index>(300, 40)}, key.child("task"));
    const Reparametrised model = model_of(arms[arm], task, key.child("model"));
    const double start = embedding_to_position(model, task.held_out.sources);
    const double last_loss = train(model, task.train, recipe, key);
    return std::vector<Measured>{{at_start, start},
                                 {at_end, embedding_to_position(model, task.held_out.sources)},
                                 {loss, last_loss},
                                 {reversed, exact_match(model, task.held_out)}};
  });
}

// A line for each table, over the ratio at the start.
Picture picture_of(const Results& results) {
  Picture picture{.title = "A drowned position is learned late",
                  .x_label = "embedding / position at the start",
                  .y_label = reversed,
                  .log_x = true};
  for (const Arm& arm : arms) {
    const std::string table = arm.name.substr(0, arm.name.find(" ×"));
    if (picture.series.empty() || picture.series.back().name != table)
      picture.series.push_back({table});
    const Interval right = interval(results.values(reversed, arm.name));
    picture.series.back().points.push_back(
        {results.value(expected, arm.name), right.mean, right.low, right.high});
  }
  return picture;
}

Report report(const Results& results) {
  const std::string paper = "N(σ = 1/√d) × √d", paper_off = "N(σ = 1/√d) × 1",
                    pytorch = "N(σ = 1) × √d", pytorch_off = "N(σ = 1) × 1";
  const auto right = [&](const std::string& arm) { return results.values(reversed, arm); };
  const auto start = [&](const std::string& arm) {
    return words(interval(results.values(at_start, arm)).mean);
  };
  const auto mean_right = [&](const std::string& arm) { return words(interval(right(arm)).mean); };
  const Interval needed = paired_difference(right(paper), right(paper_off));
  const Interval harm = paired_difference(right(pytorch_off), right(pytorch));

  Report report;
  const auto decided = [](const Interval& i) { return i.decides() ? "" : ", undecided"; };
  report.answer = text_from(
      "√d undoes a table of deviation 1/√d: token and position are then ", start(paper),
      " to 1 in any width. On PyTorch's table of deviation 1 it makes them ", start(pytorch),
      " to 1, and ", mean_right(pytorch), "% are reversed instead of ", mean_right(pytorch_off),
      "% without it (", words(harm), " points", decided(harm), "). Where √d belongs, training ",
      needed.above(0)   ? "gains"
      : needed.below(0) ? "loses by it, against the book"
                        : "gains nothing that shows",
      ": ", words(needed), " points", decided(needed), ". d = ", width, ", ", needed.runs,
      " seeds.");
  report.tables = {
      table_of(results, "table × factor c", {expected, at_start, at_end, loss, reversed})};
  report.pictures = {picture_of(results)};
  for (const Arm& arm : arms) {
    const double found = interval(results.values(at_start, arm.name)).mean;
    const double wanted = results.value(expected, arm.name);
    report.claims.push_back({text_from(arm.name, ": embedding / position is ", words(found),
                                       " at the start, and √2·c·σ is ", words(wanted)),
                             std::abs(found / wanted - 1) < 0.1});
  }
  report.claims.push_back(
      {"times √d, a table of deviation 1 drowns the positions: without − with = " + words(harm),
       harm.above(40), true});
  return report;
}

}  // namespace

Experiment scaling() {
  return {
      "scaling", "Why times √d, and why that ratio?",
      "A Transformer of width 256 with one block in encoder and decoder learns to reverse strings "
      "of 1 to 8 symbols: 200 steps of 64 strings, Adam at 1e-3, 8 seeds, 300 strings held out. "
      "Both embeddings begin with the given table and are multiplied by c at every use. The ratio "
      "is of root mean squares, of what enters the encoder for the strings held out.",
      measure, report};
}

}  // namespace adjoint::experiments
