// "Why are we using a fixed positional encoding here? […] can't we remove the need for this layer
// by learning the positional encoding? For instance we could train a d x 1 convolutional filter as
// the positional encoding."
//
// The same model is trained with each kind of position that the library has, and with none. Who
// reverses a string must know positions: the symbols come in every order. Strings longer than all
// in training have positions that no training step has seen. In English to French the words alone
// tell much of their order. The filter of the discussion weighs, feature by feature, the rows
// around a row: 3 of them, or 9, as many as the longest string in training has. Nowhere does it
// read a number of the position; what it tells apart are neighbours.
//
// A second table joins the encodings to the rows in each way: as a sum, as a projection of both, or
// in features of their own; before the blocks, in each block, or after them.

#include "examples/experiments/frame/training.h"
#include "examples/experiments/questions.h"

namespace adjoint::experiments {
namespace {

using nn::PositionMode, nn::PositionPlace, nn::Positions;

constexpr auto in_range = "lengths 1 to 8: % reversed", beyond = "lengths 9 to 12: % reversed",
               french = "English to French: loss of a held-out token";
const std::string after_200_steps = "200 steps: % reversed: ";
constexpr auto sinusoidal = "sinusoidal", learned = "learned", filter = "convolutional",
               long_filter = "convolutional with 9 rows", none = "none";

struct Kind {
  std::string name;
  Positions positions;
  Index rows = 3;  // that a filter reads
};
const std::vector<Kind> few_kinds = {{sinusoidal, Positions::sinusoidal},
                                     {filter, Positions::convolutional},
                                     {none, Positions::none}};
const std::vector<Kind> all_kinds = {
    {sinusoidal, Positions::sinusoidal}, {learned, Positions::learned},
    {filter, Positions::convolutional},  {long_filter, Positions::convolutional, 9},
    {"rotary", Positions::rotary},       {"ALiBi", Positions::linear_biases},
    {"relative", Positions::relative},   {none, Positions::none}};
const std::vector<Kind> encodings(all_kinds.begin(), all_kinds.begin() + 3);

nn::Transformer trained(nn::TransformerConfig config, const Kind& kind, const Task& task,
                        const Recipe& recipe, Key key) {
  config.positions = kind.positions;
  config.kernel = kind.rows;
  nn::Transformer model(config, key.child("model"));
  train(model, task.train, recipe, key.child("training"));
  return model;
}

void compare_kinds(const Effort& effort, Results& results) {
  const std::vector<Kind>& kinds = effort.quick ? few_kinds : all_kinds;
  std::vector<std::string> arms;
  for (const Kind& kind : kinds) arms.push_back(kind.name);
  run_all(results, arms, effort.seeds(10, 3), [&](std::size_t arm, Index seed) {
    const Key key(static_cast<std::uint64_t>(seed));
    const Task task = reversal({.longest = 12}, key.child("task"));
    const nn::Transformer model = trained(small_transformer(task), kinds[arm], task,
                                          {.steps = effort.sized<Index>(500, 200)}, key);
    return std::vector<Measured>{{in_range, exact_match(model, task.held_out)},
                                 {beyond, exact_match(model, task.longer)}};
  });
  if (effort.quick) return;
  run_all(results, arms, effort.seeds(6, 3), [&](std::size_t arm, Index seed) {
    const Key key(static_cast<std::uint64_t>(seed));
    const Task task = english_french(4000, 300, key.child("task"));
    nn::TransformerConfig config = small_transformer(task);
    config.dropout = 0.1;
    const nn::Transformer model = trained(config, kinds[arm], task, {.steps = 300}, key);
    return std::vector<Measured>{{french, mean_loss(model, task.held_out)}};
  });
}

// After so few steps that ways differ: in the end most are right.
void compare_ways(const Effort& effort, Results& results) {
  struct Way {
    PositionMode mode;
    PositionPlace place;
  };
  std::vector<Way> ways;
  std::vector<std::string> names;
  for (const auto& [mode_name, mode] : nn::choices<PositionMode>)
    for (const auto& [place_name, place] : nn::choices<PositionPlace>) {
      if (mode == PositionMode::split && place != PositionPlace::before) continue;
      ways.push_back({mode, place});
      names.push_back(std::string(mode_name) + " " + place_name);
    }
  run_all(results, names, effort.seeds(3, 2), [&](std::size_t way, Index seed) {
    const Key key(static_cast<std::uint64_t>(seed));
    const Task task = reversal({}, key.child("task"));
    std::vector<Measured> found;
    for (const Kind& kind : encodings) {
      nn::TransformerConfig config = small_transformer(task);
      config.encoder_blocks = config.decoder_blocks = 2;  // in one, "before" and "blocks" are alike
      config.position_mode = ways[way].mode;
      config.position_place = ways[way].place;
      config.position_width = kind.positions == Positions::convolutional ? 32 : 16;
      const nn::Transformer model = trained(config, kind, task, {.steps = 200}, key);
      found.push_back({after_200_steps + kind.name, exact_match(model, task.held_out)});
    }
    return found;
  });
}

void measure(const Effort& effort, Results& results) {
  compare_kinds(effort, results);
  if (!effort.quick) compare_ways(effort, results);
}

Interval difference(const Results& results, const char* quantity, const char* a, const char* b) {
  return paired_difference(results.values(quantity, a), results.values(quantity, b));
}

Claim higher(const Results& results, const char* quantity, const char* a, const char* b,
             bool only_full = false) {
  const Interval found = difference(results, quantity, a, b);
  return {text_from(quantity, ": ", a, " − ", b, " = ", words(found)), found.above(0), only_full};
}

std::string answer_of(const Results& results) {
  const auto mean = [&](const char* quantity, const char* arm) {
    return words(interval(results.values(quantity, arm)));
  };
  const Interval helps = difference(results, in_range, filter, none);
  std::string answer = text_from(
      "For reversal a filter over 3 rows ",
      helps.above(0) ? "can replace the encoding" : "is not shown to help", " (", helps.runs,
      " seeds): it reverses ", mean(in_range, filter), "% of strings in range, sinusoidal ",
      mean(in_range, sinusoidal), ", none ", mean(in_range, none), "; of longer ones ",
      mean(beyond, filter), "%, sinusoidal ", mean(beyond, sinusoidal), ".");
  if (results.quick) return answer;
  const Interval loss = difference(results, french, filter, none);
  return answer + text_from(" In English to French its loss is ", words(loss), " above none's",
                            loss.above(0)   ? ": worse"
                            : loss.below(0) ? ": better"
                                            : ", undecided",
                            " (", loss.runs, " seeds).");
}

Report report(const Results& results) {
  Report report;
  report.answer = answer_of(results);
  report.tables = {table_of(results, "positions", {in_range, beyond})};
  report.pictures = {bars_of(results, "Reversal in range", in_range),
                     bars_of(results, "Reversal beyond the trained length", beyond)};
  report.claims = {higher(results, in_range, sinusoidal, none),
                   higher(results, in_range, filter, none)};
  if (results.quick) return report;

  std::vector<std::string> ways;
  for (const Kind& kind : encodings) ways.push_back(after_200_steps + kind.name);
  report.tables = {table_of(results, "positions", {in_range, beyond, french}),
                   table_of(results, "joined by and where", ways)};
  report.pictures.push_back(bars_of(results, "English to French", french));
  report.claims.push_back(higher(results, in_range, learned, none, true));
  report.claims.push_back(higher(results, beyond, filter, sinusoidal, true));
  report.claims.push_back(higher(results, french, filter, none, true));
  return report;
}

}  // namespace

Experiment positions() {
  return {.name = "positions",
          .title = "Fixed, learned, convolutional, or no position?",
          .settings =
              "A Transformer of width 64 with one block each in encoder and decoder, in batches "
              "of 64. Reversal: 3000 strings of 1 to 8 of 10 symbols, 500 steps at a peak rate of "
              "0.004, no dropout; 300 unseen strings in range, and 300 longer ones; 10 seeds. "
              "English to French: 3403 sentences, 300 steps, dropout 0.1; 300 unseen sentences, "
              "loss by the natural logarithm; 6 seeds. The second table, 3 seeds, has two blocks: "
              "reversal after 200 steps; features of their own are 16 of 64 (32 for the filter). "
              "Quick form: 3 kinds, reversal, 200 steps.",
          .measure = measure,
          .report = report};
}

}  // namespace adjoint::experiments
