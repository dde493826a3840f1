// "The fundamental intuition behind positional encoding is to keep some level of sequential
// information, while it doesn't need to 100% precise information."
//
// How precise, then? We disturb the sinusoidal table in three ways: Gaussian noise of deviation σ
// on each entry; positions that are off by a Gaussian of deviation σ; entries rounded to b bits. A
// model that learned with the exact table reverses strings with a disturbed one. Two more see the
// disturbance while they learn: one the same table throughout, which is only another code for the
// positions, and one a table drawn anew at each step, which it cannot learn by heart.

#include <algorithm>
#include <cmath>

#include "autograd/ops.h"
#include "examples/experiments/frame/training.h"
#include "examples/experiments/questions.h"

namespace adjoint::experiments {
namespace {

const std::vector<std::string> arms = {"learned with the exact table",
                                       "learned with this disturbed table",
                                       "learned with a new table at each step"};
enum Learned { with_exact_table, with_this_table, with_new_tables };  // numbers of arms
constexpr auto undisturbed = "reversed with the exact table (%)";

struct Disturbance {
  const char* name;
  const char* x_label;
  std::vector<double> levels;  // from the slightest
  // The table [positions, width] in place of the exact one.
  Tensor (*table)(const Tensor& exact, double level, Key key);
};

Tensor with_noise(const Tensor& exact, double deviation, Key key) {
  return exact + normal(exact.shape(), 0, deviation, key, exact.dtype());
}

// Row p of the table for a position near p.
Tensor with_jitter(const Tensor& exact, double deviation, Key key) {
  const Index count = exact.size(0), width = exact.size(1);
  const Tensor offsets = normal({count}, 0, deviation, key, DType::f64);
  return generate({count, width}, exact.dtype(), [&](Index i) {
    const Index p = i / width, j = i % width;
    const double frequency =
        std::pow(10000.0, -static_cast<double>(j - j % 2) / static_cast<double>(width));
    const double angle = (static_cast<double>(p) + offsets.at({p})) * frequency;
    return j % 2 == 0 ? std::sin(angle) : std::cos(angle);
  });
}

// To the nearest of 2ᵇ numbers from −1 to 1, at equal distances.
Tensor rounded(const Tensor& exact, double bits, Key) {
  const double steps = (std::exp2(bits) - 1) / 2;
  const auto values = exact.values<double>();
  return generate(exact.shape(), exact.dtype(), [&](Index i) {
    return std::round((values[static_cast<std::size_t>(i)] + 1) * steps) / steps - 1;
  });
}

const std::vector<Disturbance>& disturbances(bool quick) {
  static const std::vector<double> deviations = {0.05, 0.1, 0.2, 0.4, 0.8, 1.6}, one = {1.6};
  static const std::vector<Disturbance> all = {
      {"noise", "deviation σ of each entry", deviations, with_noise},
      {"jitter", "deviation σ in positions", deviations, with_jitter},
      {"rounding", "bits", {8, 6, 4, 3, 2, 1}, rounded}};
  static const std::vector<Disturbance> strongest = {{"noise", "", one, with_noise},
                                                     {"jitter", "", one, with_jitter},
                                                     {"rounding", "", {8, 1}, rounded}};
  return quick ? strongest : all;
}

std::string quantity_of(const std::string& disturbance) {
  return "reversed with " + disturbance + " (%)";
}

// The same weights with disturbed tables.
nn::Transformer disturbed(const nn::Transformer& model, const Disturbance& how, double level,
                          Key key) {
  nn::Transformer result = model;
  Tensor &encoder = result.encoder.positions.table, &decoder = result.decoder.positions.table;
  encoder = how.table(encoder, level, key.child("encoder"));
  decoder = how.table(decoder, level, key.child("decoder"));
  return result;
}

// A model with exact tables that learns with tables drawn anew for every batch.
struct Unsteady : nn::EncoderDecoder {
  nn::Transformer model;
  const Disturbance& how;
  double level;

  Unsteady(const nn::Transformer& exact, const Disturbance& disturbance, double to)
      : model(exact), how(disturbance), level(to) {}
  void fields(nn::Fields& visit) override { model.fields(visit); }
  Tensor logits(const nn::Sequences& source, const nn::Sequences& target,
                const nn::Context& context) const override {
    const Key key = context.child("tables").take_key();
    return disturbed(model, how, level, key).logits(source, target, context);
  }
  std::unique_ptr<nn::Decoding> decode(const nn::Sequences& source, Index capacity) const override {
    return model.decode(source, capacity);
  }
};

std::vector<Measured> reverse_strings(Learned learned, const Effort& effort, Key key) {
  const Task task = reversal({}, key.child("task"));
  const Recipe recipe{.steps = effort.sized<Index>(500, 250)};
  const auto fresh = [&] { return nn::Transformer(small_transformer(task), key.child("model")); };
  const auto learn = [&](const nn::EncoderDecoder& model) {
    train(model, task.train, recipe, key.child("training"));
  };
  std::vector<Measured> found;
  const nn::Transformer exact = fresh();
  if (learned == with_exact_table) {
    learn(exact);
    found.push_back({undisturbed, exact_match(exact, task.held_out)});
  }
  for (const Disturbance& how : disturbances(effort.quick)) {
    if (learned == with_new_tables && how.table == rounded) continue;  // there is no other table
    if (effort.quick && learned != with_exact_table && how.table != with_noise) continue;
    for (const double level : how.levels) {
      const Key drawn = key.child(how.name).child(static_cast<std::uint64_t>(1000 * level));
      nn::Transformer model = learned == with_exact_table ? exact : fresh();
      if (learned == with_new_tables) learn(Unsteady(model, how, level));
      model = disturbed(model, how, level, drawn);
      if (learned == with_this_table) learn(model);
      found.push_back({quantity_of(how.name), exact_match(model, task.held_out), level});
    }
  }
  return found;
}

void measure(const Effort& effort, Results& results) {
  run_all(results, arms, effort.seeds(10, 3), [&](std::size_t arm, Index seed) {
    return reverse_strings(static_cast<Learned>(arm), effort,
                           Key(static_cast<std::uint64_t>(seed)));
  });
}

// The change from nothing disturbed, in points.
Interval change(const Results& results, const std::string& disturbance, Learned learned,
                double level) {
  return paired_difference(results.values(quantity_of(disturbance), arms[learned], level),
                           results.values(undisturbed, arms[with_exact_table]));
}

// "σ = 0.4 (-3.1 points)": the slightest level at which accuracy falls beyond chance.
std::string first_fall(const Results& results, const std::string& disturbance, Learned learned) {
  const bool is_rounding = disturbance == "rounding";
  for (const double level : results.places(quantity_of(disturbance), arms[learned]))
    if (const Interval points = change(results, disturbance, learned, level); points.below(0))
      return text_from(is_rounding ? "" : "σ = ", level,
                       is_rounding ? level == 1 ? " bit" : " bits" : "", " (", words(points.mean),
                       " points)");
  return "no level tried";
}

Report report(const Results& results) {
  const Interval best = interval(results.values(undisturbed, arms[with_exact_table]));
  Report report;
  report.answer =
      text_from("Of ", words(best.mean), "% something is lost beyond chance from noise of ",
                first_fall(results, "noise", with_exact_table), ", positions off by ",
                first_fall(results, "jitter", with_exact_table), ", rounding to ",
                first_fall(results, "rounding", with_exact_table),
                ". Disturbed while learning, too, a table is just another code: noise harms from ",
                first_fall(results, "noise", with_this_table), ", jitter from ",
                first_fall(results, "jitter", with_this_table), ", rounding from ",
                first_fall(results, "rounding", with_this_table), ". ", best.runs, " seeds.");
  for (const Disturbance& how : disturbances(false)) {
    const std::string quantity = quantity_of(how.name);
    report.tables.push_back(curves_of(results, how.x_label, quantity));
    Picture& picture = report.pictures.emplace_back(
        lines_of(results, std::string("With ") + how.name, how.x_label, quantity));
    picture.log_x = how.table != rounded;
    Series& level = picture.series.emplace_back("nothing disturbed", std::vector<Point>{}, true);
    for (const double x : results.places(quantity, arms[with_exact_table]))
      level.points.push_back({x, best.mean, std::nan(""), std::nan("")});
  }
  const Interval noise = change(results, "noise", with_exact_table, 1.6),
                 same_noise = change(results, "noise", with_this_table, 1.6),
                 one_bit = change(results, "rounding", with_exact_table, 1),
                 eight_bits = change(results, "rounding", with_exact_table, 8);
  report.claims = {
      {text_from("noise of σ = 1.6 costs more than 40 points: ", words(noise)), noise.below(-40)},
      {text_from("a model that learned with that noise loses less than 20: ", words(same_noise)),
       same_noise.mean > -20},
      {text_from("rounding to one bit costs more than 40 points: ", words(one_bit)),
       one_bit.below(-40)},
      {text_from("rounding to 8 bits costs less than 5 points: ", words(eight_bits)),
       eight_bits.mean > -5}};
  return report;
}

}  // namespace

Experiment precision() {
  return {
      "precision", "How precise must a position be?",
      "Reversal of strings of 1 to 8 out of 10 symbols: width 64, one block each in encoder and "
      "decoder, 500 steps of 64 strings. Entries of the exact table lie between −1 and 1. A "
      "model that learned with the exact table, or with a new one at each step, is tested with "
      "one it has not seen.",
      measure, report};
}

}  // namespace adjoint::experiments
