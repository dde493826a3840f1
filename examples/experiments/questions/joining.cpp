// "In fact why do we add the positional encoding to the original data? Wouldn't that make us lose
// some data in the process of adding in the encoding? What's wrong with simply appending the
// position onto each data point?"
//
// Models of several widths reverse strings with each of three ways to join a row x and its encoding
// e: x + e; [x, e], half of the width each (split); W [x, e] + b, back to the width (concatenate).
// Splitting saves weights and concatenating takes more, so both run once more with as many as add.
//
// Is anything lost? A linear probe sees joined rows of pairs of a token and a position, and names
// both for pairs that it has not seen. If there are more tokens and positions than features, no
// linear map can tell all of them apart: hence ten symbols in few and many features, and hundreds
// of English words.

#include <algorithm>
#include <cmath>

#include "autograd/ops.h"
#include "examples/experiments/frame/training.h"
#include "examples/experiments/questions.h"
#include "examples/experiments/questions/linear_probe.h"
#include "nn/models/model_size.h"

namespace adjoint::experiments {
namespace {

constexpr auto reversed = "reversed without a mistake (%)", count = "parameters",
               word_count = "English words", token_at_start = "token named at the start (%)",
               position_at_start = "position named at the start (%)",
               token_at_end = "token named after training (%)",
               position_at_end = "position named after training (%)";
constexpr Index reserved = data::Vocabulary::reserved.size();  // ids that are no tokens of a text
constexpr Index positions = 8;                                 // the longest string
constexpr Index compared_width = 16;  // where adding has not reached its limit

struct Arm {
  const char* name;
  nn::PositionMode mode;
  bool equal_parameters = false;  // to those of adding at this width
};
const std::vector<Arm> reversing = {
    {"add", nn::PositionMode::add},
    {"split", nn::PositionMode::split},
    {"concatenate", nn::PositionMode::concatenate},
    {"split with equal parameters", nn::PositionMode::split, true},
    {"concatenate with equal parameters", nn::PositionMode::concatenate, true}};
const std::vector<Arm> translating = {{"add (English words)", nn::PositionMode::add},
                                      {"split (English words)", nn::PositionMode::split}};

std::vector<std::string> names_of(const std::vector<Arm>& arms) {
  std::vector<std::string> names;
  for (const Arm& arm : arms) names.emplace_back(arm.name);
  return names;
}

nn::TransformerConfig configuration(const Task& task, nn::PositionMode mode, Index width) {
  nn::TransformerConfig config = small_transformer(task);
  config.heads = 2;
  config.width = config.hidden = width;
  config.position_mode = mode;
  config.position_width = width / 2;
  return config;
}

// The width that comes closest to as many parameters as adding has; the hidden layer of the
// feed-forward networks makes up the rest.
nn::TransformerConfig configuration(const Task& task, const Arm& arm, Index width) {
  nn::TransformerConfig best = configuration(task, arm.mode, width);
  if (!arm.equal_parameters) return best;
  const double goal = nn::size_of(configuration(task, nn::PositionMode::add, width)).parameters;
  const auto off = [&](const auto& c) { return std::abs(nn::size_of(c).parameters - goal); };
  const auto take_if_closer = [&](const nn::TransformerConfig& other) {
    if (off(other) < off(best)) best = other;
  };
  for (Index narrower = best.heads; narrower < width; narrower += best.heads)
    take_if_closer(configuration(task, arm.mode, narrower));
  nn::TransformerConfig other = best;
  for (other.hidden = 1; other.hidden <= 2 * width; ++other.hidden) take_if_closer(other);
  return best;
}

// What the probe names of all pairs of a token and a position, as the first block gets them.
std::vector<Measured> probe(const nn::Transformer& model, bool is_trained, double x, Key key) {
  const NoRecording guard;
  constexpr Index folds = 10;
  const Index tokens = model.config.source_tokens - reserved, pairs = tokens * positions;
  const auto number = [&](const auto& f) { return generate({pairs}, DType::i64, f); };
  const Tensor order = permutation(pairs, key.child("folds"));
  const Tensor token = number([](Index i) { return i / positions; }),
               position = number([](Index i) { return i % positions; }),
               fold = number([&](Index i) { return order.at<Index>({i}) % folds; });
  const Tensor ids = number([](Index i) { return reserved + i / positions; });  // [pairs]
  const nn::Layout layout = nn::Layout::full(tokens, positions);
  const Tensor joined =
      model.encoder.positions(model.encoder.embedding(reshape(ids, {tokens, positions})), layout,
                              nn::Context::inference());  // [tokens, positions, width]
  const Tensor rows = reshape(joined, {pairs, joined.size(2)});
  return {
      {is_trained ? token_at_end : token_at_start, linear_probe(rows, token, fold), x},
      {is_trained ? position_at_end : position_at_start, linear_probe(rows, position, fold), x}};
}

void append(std::vector<Measured>& all, const std::vector<Measured>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

std::vector<Measured> reverse_strings(const Arm& arm, const Effort& effort, Key key) {
  const Task task = reversal({.max_length = positions}, key.child("task"));
  std::vector<Measured> found;
  for (const Index width : {8, 16, 32, 64}) {
    if (arm.equal_parameters && width == 8) continue;  // too coarse, and nothing learns there
    const auto x = static_cast<double>(width);
    const nn::Transformer model(configuration(task, arm, width), key.child("model"));
    found.push_back({count, static_cast<double>(nn::parameter_count(model)), x});
    if (!arm.equal_parameters) append(found, probe(model, false, x, key));
    if (effort.quick && width != compared_width) continue;
    train(model, task.train, {.steps = effort.sized<Index>(500, 100)}, key.child("training"));
    found.push_back({reversed, exact_match(model, task.held_out), x});
    if (!arm.equal_parameters) append(found, probe(model, true, x, key));
  }
  return found;
}

std::vector<Measured> translate(const Arm& arm, const Effort& effort, Key key) {
  const Task task = english_french(effort.sized<Index>(1000, 200), 100, key.child("task"));
  const nn::Transformer model(configuration(task, arm, 64), key.child("model"));
  std::vector<Measured> found = probe(model, false, 64, key);
  if (!effort.quick) {
    train(model, task.train, {}, key.child("training"));
    append(found, probe(model, true, 64, key));
  }
  found.push_back({word_count, static_cast<double>(task.source_tokens - reserved), 64});
  return found;
}

void measure(const Effort& effort, Results& results) {
  const Index seeds = effort.seeds(20, 4);
  run_all(results, names_of(reversing), seeds, [&](std::size_t arm, Index seed) {
    return reverse_strings(reversing[arm], effort, Key(static_cast<std::uint64_t>(seed)));
  });
  run_all(results, names_of(translating), seeds, [&](std::size_t arm, Index seed) {
    return translate(translating[arm], effort, Key(static_cast<std::uint64_t>(seed)));
  });
}

// A row for each arm and width.
Table probe_table(const Results& results) {
  const std::vector<std::string> quantities = {token_at_start, position_at_start, token_at_end,
                                               position_at_end};
  Table table{{"arm", "width"}, {}};
  table.heading.insert(table.heading.end(), quantities.begin(), quantities.end());
  for (const std::string& arm : results.arms(quantities[0]))
    for (const double width : results.places(quantities[0], arm)) {
      std::vector<std::string>& row = table.rows.emplace_back();
      row = {arm, text_from(width)};
      for (const std::string& quantity : quantities) {
        const auto places = results.places(quantity, arm);
        const bool measured = std::ranges::find(places, width) != places.end();
        row.push_back(measured ? words(interval(results.values(quantity, arm, width))) : "–");
      }
    }
  return table;
}

// The largest relative difference in parameters from adding, of the arms that should have as many.
double largest_mismatch(const Results& results) {
  double largest = 0;
  for (const Arm& arm : reversing)
    for (const double width : results.places(count, arm.name))
      if (arm.equal_parameters) {
        const double ratio = results.values(count, arm.name, width)[0] /
                             results.values(count, reversing[0].name, width)[0];
        largest = std::max(largest, std::abs(ratio - 1));
      }
  return largest;
}

// "26 (10 to 42) points", or that the data do not decide.
std::string points(const Interval& gain) {
  return words(gain) + " points" + (gain.decides() ? "" : ", undecided");
}

Report report(const Results& results) {
  const auto gain = [&](const char* quantity, const char* arm, const char* base, double width) {
    return paired_difference(results.values(quantity, arm, width),
                             results.values(quantity, base, width));
  };
  const auto named = [&](const char* quantity, const char* arm, double width) {
    return interval(results.values(quantity, arm, width));
  };
  const auto percent = [&](const char* quantity, const char* arm) {
    return words(named(quantity, arm, 64).mean) + "%";
  };
  const char *add = reversing[0].name, *split = reversing[1].name, *equal_split = reversing[3].name,
             *equal_concatenate = reversing[4].name;
  const char *add_words = translating[0].name, *split_words = translating[1].name;
  const double widest = results.places(reversed, add).back();
  const Interval token = named(token_at_start, add, 64),
                 position = named(position_at_start, add, 64),
                 lost = gain(position_at_start, split_words, add_words, 64);
  const double mismatch = largest_mismatch(results);

  Report report;
  report.answer = text_from(
      "At equal parameters and width ", compared_width, ", appending through a projection gains ",
      points(gain(reversed, equal_concatenate, add, compared_width)), " on adding; side by side, ",
      points(gain(reversed, equal_split, add, compared_width)), ". At ", widest,
      " the first gains ", points(gain(reversed, equal_concatenate, add, widest)),
      ". From 64-wide sums a linear probe reads ", percent(token_at_start, add),
      " of 10 symbols and ", percent(position_at_start, add), " of positions; with ",
      std::round(named(word_count, add_words, 64).mean), " English words ",
      percent(token_at_start, add_words), " and ", percent(position_at_start, add_words),
      " (side by side ", percent(token_at_start, split_words), " and ",
      percent(position_at_start, split_words), "). ", token.runs, " seeds.");
  report.tables = {curves_of(results, "width", reversed), curves_of(results, "width", count),
                   probe_table(results)};
  report.pictures = {lines_of(results, "Reversal by width", "width", reversed),
                     lines_of(results, "What a linear probe names", "width", position_at_start)};
  for (Picture& picture : report.pictures) picture.log_x = true;
  const Interval tokens_kept = gain(token_at_start, add, split, 8);
  report.claims = {
      {text_from("parameters that should be equal differ by at most 2%, do by ",
                 words(100 * mismatch), "%"),
       mismatch <= 0.02},
      {text_from("10 symbols in 64 features: the probe names all tokens and positions, names ",
                 words(token), "% and ", words(position), "%"),
       token.mean > 99 && position.mean > 99},
      {text_from("10 symbols in 8 features: more tokens are named if added than if split, by ",
                 words(tokens_kept)),
       tokens_kept.above(0)},
      {text_from("English words: more positions are named if split than if added, by ",
                 words(lost)),
       lost.above(0)},
  };
  return report;
}

}  // namespace

Experiment joining() {
  return {
      "joining", "Add or append?",
      "Reversal of strings of 1 to 8 out of 10 symbols: one block each in encoder and decoder, "
      "2 heads, 500 steps of 64 strings. Equal parameters: a smaller or larger width and hidden "
      "layer, within 2%. Probe: least squares, ten folds of all pairs of a token and a position "
      "from 0 to 7. English words: those of 1000 sentences; 500 steps of translation.",
      measure, report};
}

}  // namespace adjoint::experiments
