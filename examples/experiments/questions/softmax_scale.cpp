// Why are the scores of attention divided by √d?
//
// A score q·k is a sum of d products. If their factors have variance 1, so has each product, and
// the score has variance d. The softmax of such scores puts all weight on one key (entropy near 0),
// and then it passes on no gradient: its Jacobian diag(p) − p pᵀ is 0 at a vertex. Divided by √d,
// the scores have variance 1 in any dimension. First both are measured for random queries and
// keys, and the Jacobian is compared with what autodiff says. Then models of one wide head or
// several narrow ones are trained with the scores divided and not divided.

#include <cmath>

#include "autograd/functional.h"
#include "autograd/support/error.h"
#include "examples/experiments/frame/reparametrised.h"
#include "examples/experiments/frame/training.h"
#include "examples/experiments/questions.h"

namespace adjoint::experiments {
namespace {

constexpr Index keys = 64, model_width = 128;
const std::string divided = "divided by √d", not_divided = "not divided";
const std::vector<std::string> arms = {divided, not_divided};
const std::string entropy = "entropy of the weights", jacobian_norm = "norm of the Jacobian",
                  disagreement = "largest difference of autodiff and formula",
                  reversed = "reversed without a mistake (%)";

double factor_of(std::size_t arm, Index dimension) {
  return arms[arm] == divided ? 1 / std::sqrt(static_cast<double>(dimension)) : 1;
}

// diag(p) − p pᵀ for each row p of the weights: [draws, keys, keys].
Tensor jacobian_of_softmax(const Tensor& weights) {
  const Tensor rows = reshape(weights, {-1, 1, keys});     // [draws, 1, keys]
  const Tensor columns = reshape(weights, {-1, keys, 1});  // [draws, keys, 1]
  return rows * eye(keys, DType::f64) - columns * rows;
}

std::vector<Measured> spread(std::size_t arm, Index dimension, Index draws, Key key) {
  const NoRecording guard;
  const Tensor q = normal({draws, 1, dimension}, 0, 1, key.child("queries"), DType::f64);
  const Tensor k = normal({draws, keys, dimension}, 0, 1, key.child("keys"), DType::f64);
  const Tensor scores = sum(q * k, {2}) * factor_of(arm, dimension);  // [draws, keys]
  const Tensor p = softmax(scores);                                   // [draws, keys]
  const Tensor exact = jacobian_of_softmax(p);                        // [draws, keys, keys]
  const Tensor by_autodiff =
      jacobian([](const Tensor& x) { return softmax(x); }, slice(scores, 0, 0, 1));
  const Tensor first = reshape(by_autodiff, {1, keys, keys});
  const auto x = static_cast<double>(dimension);
  return {{entropy, mean(sum(-p * log_softmax(scores), {1})).item(), x},
          {jacobian_norm, mean(norm(exact, {1, 2})).item(), x},
          {disagreement, max(abs(first - slice(exact, 0, 0, 1))).item(), x}};
}

// The library's attention divides; a query that is √d times as long undoes it.
void undo_division(nn::Transformer& copy) {
  const auto undo = [](nn::MultiHeadAttention& attention) {
    const Index head_width = model_width / attention.head_count();
    attention.query.weight = attention.query.weight * std::sqrt(static_cast<double>(head_width));
  };
  for (nn::EncoderBlock& block : copy.encoder.blocks) undo(block.attention);
  for (nn::DecoderBlock& block : copy.decoder.blocks) {
    undo(block.attention);
    undo(block.cross_attention);
  }
}

Measured trained(std::size_t arm, Index head_width, const Recipe& recipe, Key key,
                 Index held_out_count) {
  const Task task = reversal({.held_out_count = held_out_count}, key.child("task"));
  nn::TransformerConfig config = small_transformer(task);
  config.width = model_width;
  config.heads = model_width / head_width;
  const Reparametrised model(nn::Transformer(config, key.child("model")),
                             arms[arm] == divided ? [](nn::Transformer&) {} : undo_division);
  train(model, task.train, recipe, key);
  return {reversed, exact_match(model, task.held_out), static_cast<double>(head_width)};
}

void measure(const Effort& effort, Results& results) {
  run_all(results, arms, effort.seeds(10, 10), [&](std::size_t arm, Index seed) {
    std::vector<Measured> found;
    for (Index dimension = 4; dimension <= 1024; dimension *= 2) {
      const Key key = Key(static_cast<std::uint64_t>(seed)).child("spread");
      const auto here = spread(arm, dimension, effort.sized<Index>(100, 10),
                               key.child(static_cast<std::uint64_t>(dimension)));
      found.insert(found.end(), here.begin(), here.end());
    }
    return found;
  });
  const Recipe recipe{.steps = effort.sized<Index>(300, 20), .learning_rate = 2e-3};
  for (const Index head_width : {8, 32, 128})
    run_all(results, arms, effort.seeds(10, 2), [&](std::size_t arm, Index seed) {
      return std::vector<Measured>{trained(arm, head_width, recipe,
                                           Key(static_cast<std::uint64_t>(seed)),
                                           effort.sized<Index>(300, 40))};
    });
}

Report report(const Results& results) {
  const auto mean_of = [&](const std::string& quantity, const std::string& arm, double x) {
    return words(interval(results.values(quantity, arm, x)).mean);
  };
  const auto gain = [&](const std::string& quantity, double x) {
    return paired_difference(results.values(quantity, divided, x),
                             results.values(quantity, not_divided, x));
  };
  const Interval narrow = gain(reversed, 8), wide = gain(reversed, 128);
  const auto in_points = [](const Interval& i) {
    return words(i) + (i.decides() ? " points" : " points (undecided)");
  };
  double worst = 0;
  for (const std::string& arm : arms)
    for (const double d : results.places(disagreement, arm))
      for (const double difference : results.values(disagreement, arm, d))
        worst = std::max(worst, difference);

  Report report;
  report.answer = text_from("Undivided, the entropy over ", keys, " keys falls from ",
                            mean_of(entropy, not_divided, 4), " at d = 4 to ",
                            mean_of(entropy, not_divided, 1024), " at 1024; divided, from ",
                            mean_of(entropy, divided, 4), " to ", mean_of(entropy, divided, 1024),
                            ". Dividing brings ", in_points(wide), " with heads 128 wide, ",
                            in_points(narrow), " with 8 (", wide.runs, " seeds).");
  if (gain(reversed, 32).above(0) && gain(jacobian_norm, 32).below(0))
    report.answer += text_from(
        " Vanishing gradients are not the whole reason: at d = 32 the undivided Jacobian is larger "
        "(",
        mean_of(jacobian_norm, not_divided, 32), ", ", mean_of(jacobian_norm, divided, 32),
        "), and training loses ", words(gain(reversed, 32).mean), " points.");
  for (const std::string& quantity : {entropy, jacobian_norm, reversed}) {
    const bool of_training = quantity == reversed;
    const std::string x = of_training ? "width of a head" : "dimension d";
    report.tables.push_back(curves_of(results, x + ": " + quantity, quantity));
    report.pictures.push_back(lines_of(results, "", x, quantity));
    report.pictures.back().log_x = true;
  }
  report.tables.push_back({{disagreement}, {{words(worst)}}});
  report.claims = {
      {"autodiff and diag(p) − p pᵀ agree to " + words(worst), worst < 1e-12},
      {"at d = 1024 dividing raises the entropy by " + words(gain(entropy, 1024)),
       gain(entropy, 1024).above(2)},
      {"and the norm of the Jacobian by " + words(gain(jacobian_norm, 1024)),
       gain(jacobian_norm, 1024).above(0)},
      {"divided scores keep the entropy",
       interval(results.values(entropy, divided, 1024)).above(3.5)},
      {"with heads 128 wide, dividing brings " + words(wide) + " points", wide.above(40), true}};
  return report;
}

}  // namespace

Experiment softmax_scale() {
  return {
      "softmax_scale", "Why 1/√d in the attention?",
      "One query and 64 keys with standard normal elements, 100 draws for each of 10 seeds. The "
      "Jacobian's norm is Frobenius's. Then a Transformer of width 128 with one block in encoder "
      "and decoder, its heads 8, 32 or 128 wide, learns to reverse strings of 1 to 8 symbols: 300 "
      "steps of 64 strings, Adam at 2e-3, 10 seeds, 300 strings held out.",
      measure, report};
}

}  // namespace adjoint::experiments
