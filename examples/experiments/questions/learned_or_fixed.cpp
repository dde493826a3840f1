// "You can learn the positional embedding, and there are several ways to do it. However, the
// difference between learned and other non-learned, but well done manual embeddings are small."
//
// Two models differ in nothing but the encoding: sinusoids, or a table of the same size that is
// learned. Each pair has the same seed: the same sentences in the same order, the same other
// weights at the start. "Small" depends on how long one trains, so reversal is trained anew for
// each of several numbers of steps; then English to French.
//
// Rows of the learned table begin with a length of about 1, and sinusoids have a length of √(d/2),
// here 5.7. A third arm tells what this does: a learned table that begins at the sinusoids' size.

#include <cmath>

#include "autograd/ops.h"
#include "examples/experiments/frame/training.h"
#include "examples/experiments/questions.h"

namespace adjoint::experiments {
namespace {

constexpr auto reversed = "% reversed", french = "English to French: loss of a held-out token";
constexpr auto fixed = "sinusoidal", learned = "learned", larger = "learned from a larger start";
constexpr Index early_steps = 150, last_steps = 500;
const std::vector<std::string> arms = {fixed, learned, larger};

// Entries of sinusoids have a mean square of 1/2; those of the learned table begin with 1/width.
void start_larger(nn::PositionalEncoding& positions) {
  const double factor = std::sqrt(static_cast<double>(positions.table.size(1)) / 2);
  positions.table = variable(detach(positions.table) * factor);
}

nn::Transformer trained(nn::TransformerConfig config, const std::string& arm, const Task& task,
                        Index steps, Key key) {
  config.positions = arm == fixed ? nn::Positions::sinusoidal : nn::Positions::learned;
  nn::Transformer model(config, key.child("model"));
  if (arm == larger) {
    start_larger(model.encoder.positions);
    start_larger(model.decoder.positions);
  }
  train(model, task.train, {.steps = steps}, key.child("training"));
  return model;
}

void measure(const Effort& effort, Results& results) {
  const std::vector<Index> step_counts =
      effort.quick ? std::vector<Index>{early_steps}
                   : std::vector<Index>{100, early_steps, 200, 300, last_steps};
  run_all(results, arms, effort.seeds(12, 4), [&](std::size_t arm, Index seed) {
    const Key key(static_cast<std::uint64_t>(seed));
    const Task task = reversal({}, key.child("task"));
    std::vector<Measured> found;
    for (const Index steps : step_counts) {
      const nn::Transformer model = trained(small_transformer(task), arms[arm], task, steps, key);
      found.push_back({reversed, exact_match(model, task.held_out), static_cast<double>(steps)});
    }
    return found;
  });
  if (effort.quick) return;
  run_all(results, arms, effort.seeds(12, 4), [&](std::size_t arm, Index seed) {
    const Key key(static_cast<std::uint64_t>(seed));
    const Task task = english_french(4000, 300, key.child("task"));
    nn::TransformerConfig config = small_transformer(task);
    config.dropout = 0.1;
    const nn::Transformer model = trained(config, arms[arm], task, 300, key);
    return std::vector<Measured>{{french, mean_loss(model, task.held_out)}};
  });
}

Interval difference(const Results& results, const char* quantity, const char* a, const char* b,
                    std::optional<double> steps = {}) {
  return paired_difference(results.values(quantity, a, steps), results.values(quantity, b, steps));
}

Table differences_of(const Results& results) {
  Table table{{"sinusoidal − learned", "after", "started small", "started larger"}, {}};
  for (const double steps : results.places(reversed, fixed))
    table.rows.push_back({reversed, text_from(steps, " steps"),
                          words(difference(results, reversed, fixed, learned, steps)),
                          words(difference(results, reversed, fixed, larger, steps))});
  if (!results.quick)
    table.rows.push_back({french, "300 steps", words(difference(results, french, fixed, learned)),
                          words(difference(results, french, fixed, larger))});
  return table;
}

// What is called small: a gap of at most this many strings in 100.
constexpr double small = 5;
bool is_small(const Interval& gap) { return gap.above(-small) && gap.below(small); }

// Which of the two has the lower loss, beyond chance.
std::string ahead(const Interval& fixed_less_learned) {
  if (!fixed_less_learned.decides()) return "neither ahead beyond chance";
  return fixed_less_learned.above(0) ? "learned ahead" : "sinusoidal ahead";
}

std::string answer_of(const Results& results) {
  const auto gap = [&](const char* arm, Index steps) {
    return difference(results, reversed, fixed, arm, static_cast<double>(steps));
  };
  const Interval early = gap(learned, early_steps), of_larger = gap(larger, early_steps);
  std::string answer;
  if (!results.quick) {
    const Interval late = gap(learned, last_steps);
    const Interval loss = difference(results, french, fixed, learned);
    answer = text_from(is_small(late) ? "Small in the end" : "Not shown to be small",
                       ": sinusoidal − learned is ", words(late),
                       " points of strings reversed after ", last_steps, " steps, and ",
                       words(loss), " in the loss of English to French, ", ahead(loss), ". ");
  }
  return answer + text_from("After ", early_steps, " steps it is ", words(early),
                            " points; from a table that starts as large as the sinusoids, ",
                            words(of_larger), ", ",
                            of_larger.below(0)   ? "learned ahead"
                            : of_larger.above(0) ? "sinusoidal ahead"
                                                 : "neither ahead beyond chance",
                            " (", early.runs, " seeds).");
}

Report report(const Results& results) {
  Report report;
  report.answer = answer_of(results);
  report.tables = {curves_of(results, "steps", reversed), differences_of(results)};
  report.pictures = {lines_of(results, "Reversal", "steps of training", reversed)};
  const Interval size_helps = difference(results, reversed, larger, learned, early_steps);
  report.claims = {{text_from("a learned table learns faster from a larger start, after ",
                              early_steps, " steps by ", words(size_helps)),
                    size_helps.above(0)}};
  if (results.quick) return report;
  const Interval in_the_end = difference(results, reversed, fixed, learned, last_steps);
  report.tables.push_back(table_of(results, "positions", {french}));
  report.pictures.push_back(bars_of(results, "English to French", french));
  report.claims.push_back({text_from("after ", last_steps, " steps the difference is within ±",
                                     small, " points: ", words(in_the_end)),
                           is_small(in_the_end), true});
  return report;
}

}  // namespace

Experiment learned_or_fixed() {
  return {.name = "learned_or_fixed",
          .title = "How large is the difference between learned and fixed?",
          .settings =
              "A Transformer of width 64 with one block each in encoder and decoder, in batches "
              "of 64 at a peak rate of 0.004. Reversal: 3000 strings of 1 to 8 of 10 symbols, no "
              "dropout, 300 unseen strings; each number of steps is a training of its own. "
              "English to French: 3403 sentences, 300 steps, dropout 0.1; 300 unseen sentences, "
              "loss by the natural logarithm. Quick form: reversal alone, after 150 steps.",
          .measure = measure,
          .report = report};
}

}  // namespace adjoint::experiments
