// "Concatenation of the position is a good idea, in most cases as it ensures orthogonality.
// However, the dimensions are so high in most embeddings, so we get an approximate orthogonality."
//
// Two directions are orthogonal if their cosine is 0. For directions drawn at random the mean of
// |cos| is known exactly, about √(2/(πd)) in d dimensions; we draw some and compare. But rows of a
// model are not random: embeddings are trained, and positions are sinusoids. So we train models of
// several widths, and measure the cosines of their tokens with the positions and of each kind of
// row among itself.

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>

#include "autograd/ops.h"
#include "examples/experiments/frame/training.h"
#include "examples/experiments/questions.h"

namespace adjoint::experiments {
namespace {

constexpr auto mean_cosine = "mean |cos|", row_cosine = "cosine of two positions",
               reversed = "reversed without a mistake (%)";
constexpr auto random = "random vectors", start = "token and position at the start",
               end = "token and position after training",
               tokens_alone = "two tokens after training", positions_alone = "two positions";
constexpr Index book_width = 256;

// The mean |cos| of random directions, Γ(d/2) / (√π Γ((d + 1)/2)), whose limit is √(2/(πd)).
double expected(double d) {
  return std::exp(std::lgamma(d / 2) - std::lgamma((d + 1) / 2)) * std::numbers::inv_sqrtpi;
}

// a [n, width] and b [m, width] to [n, m].
Tensor cosines(const Tensor& a, const Tensor& b) {
  const auto unit = [](const Tensor& x) { return x / norm(x, {1}, Keep::yes); };
  return matmul(unit(a), unit(b), Transposed::b);
}
double mean_size(const Tensor& cosines) { return mean(abs(cosines)).item(); }
// Of rows [n, width] among each other. That of a row with itself, 1, does not count.
double mean_size_among(const Tensor& rows) {
  const auto n = static_cast<double>(rows.size(0));
  return (n * mean_size(cosines(rows, rows)) - 1) / (n - 1);
}

std::vector<Measured> draw_vectors(const std::vector<Index>& widths, Key key) {
  std::vector<Measured> found;
  for (const Index width : widths) {
    const Key drawn = key.child(static_cast<std::uint64_t>(width));
    const Tensor a = normal({64, width}, 0, 1, drawn.child("a")),
                 b = normal({64, width}, 0, 1, drawn.child("b"));
    found.push_back({mean_cosine, mean_size(cosines(a, b)), static_cast<double>(width)});
  }
  return found;
}

// Reversal, with the rows of those tokens and positions that occur in it.
std::vector<Measured> train_models(const std::vector<Index>& widths, Index steps, Key key) {
  const Task task = reversal({}, key.child("task"));
  std::set<Index> tokens;
  std::size_t longest = 0;
  for (const Ids& source : task.train.sources) {
    tokens.insert(source.begin(), source.end());
    longest = std::max(longest, source.size());
  }
  const Tensor ids = from(Ids(tokens.begin(), tokens.end()), {std::ssize(tokens)});  // [tokens]
  std::vector<Measured> found;
  for (const Index width : widths) {
    nn::TransformerConfig config = small_transformer(task);
    config.width = config.hidden = width;
    const nn::Transformer model(config, key.child("model"));
    const Tensor encodings = nn::sinusoids(static_cast<Index>(longest), width, DType::f32);
    const auto rows = [&] { return gather(detach(model.encoder.embedding.table), ids); };
    const auto add = [&](const char* arm, double value) {
      found.push_back({mean_cosine, value, static_cast<double>(width), arm});
    };
    add(start, mean_size(cosines(rows(), encodings)));
    // A wide model needs a lower rate to learn at all.
    const double rate = 4e-3 * std::min(1.0, 64.0 / static_cast<double>(width));
    train(model, task.train, {.steps = steps, .learning_rate = rate}, key.child("training"));
    found.push_back({reversed, exact_match(model, task.held_out), static_cast<double>(width), end});
    add(end, mean_size(cosines(rows(), encodings)));
    add(tokens_alone, mean_size_among(rows()));
  }
  return found;
}

void measure(const Effort& effort, Results& results) {
  const std::vector<Index> widths = {8, 16, 32, 64, 128, 256, 512, 1024};
  const std::vector<Index> trained =
      effort.quick ? std::vector<Index>{16, 32} : std::vector<Index>{8, 16, 32, 64, 128, 256};
  run_all(results, {random, "a model"}, effort.seeds(10, 4), [&](std::size_t arm, Index seed) {
    const Key key = Key(static_cast<std::uint64_t>(seed));
    return arm == 0 ? draw_vectors(widths, key)
                    : train_models(trained, effort.sized<Index>(500, 200), key);
  });
  for (const Index width : widths)  // the same for every seed
    results.add({mean_cosine,
                 positions_alone,
                 static_cast<double>(width),
                 {},
                 mean_size_among(nn::sinusoids(64, width))});
  for (const Index width : {Index{64}, book_width}) {
    const Tensor rows = nn::sinusoids(64, width);
    const Tensor with_first = cosines(slice(rows, 0, 0, 1), rows);  // [1, positions]
    for (Index p = 1; p < rows.size(0); p *= 2)
      results.add({row_cosine,
                   text_from("d = ", width),
                   static_cast<double>(p),
                   {},
                   with_first.at({0, p})});
  }
}

Report report(const Results& results) {
  const auto of = [&](const char* arm, double d) {
    return interval(results.values(mean_cosine, arm, d));
  };
  Series limit{"√(2/(πd))", {}, true};
  double furthest = 1;  // the ratio of measured and expected that is furthest from 1
  for (const double d : results.places(mean_cosine, random)) {
    const double y = std::sqrt(2 / (std::numbers::pi * d)), none = std::nan("");
    limit.points.push_back({d, y, none, none});
    const double ratio = of(random, d).mean / expected(d);
    if (std::abs(ratio - 1) > std::abs(furthest - 1)) furthest = ratio;
  }
  const double widest = results.places(mean_cosine, end).back();
  const Interval change = paired_difference(results.values(mean_cosine, end, widest),
                                            results.values(mean_cosine, start, widest));
  const Interval drawn = of(random, book_width);
  const double neighbours = results.value(row_cosine, "d = 256", 1),
               among = results.value(mean_cosine, positions_alone, book_width);

  Report report;
  report.answer = text_from(
      "Random vectors: at d = ", book_width, " the mean |cos| is ", words(drawn), ", in theory ",
      words(expected(book_width)), ". Tokens with positions: ", words(of(start, widest).mean),
      " at the start, ", words(of(end, widest).mean), " after training",
      change.decides() ? "" : ", a change that is undecided", ". Positions with each other are ",
      among > 0.3 ? "not orthogonal" : "nearly so too", " in any dimension: neighbours have ",
      words(neighbours), ", pairs of the first 64 ", words(among), " on average. ", drawn.runs,
      " seeds.");
  Picture by_width = lines_of(results, "By dimension", "dimension d", mean_cosine);
  by_width.log_x = by_width.log_y = true;
  by_width.series.push_back(limit);
  Picture by_distance = lines_of(results, "Two rows of the sinusoidal table",
                                 "distance of the positions", row_cosine);
  by_distance.log_x = true;
  report.pictures = {by_width, by_distance};
  report.tables = {curves_of(results, "dimension", mean_cosine)};
  report.claims = {
      {text_from("random vectors: measured / expected is at most 5% from 1, is ", words(furthest)),
       std::abs(furthest - 1) < 0.05},
      {text_from("neighbouring positions have a cosine of 0.97 at d = 256, have ",
                 words(neighbours)),
       std::abs(neighbours - 0.97) < 0.005},
      {text_from("tokens and positions stay below a mean |cos| of 0.3, have ",
                 words(of(end, widest))),
       of(end, widest).below(0.3)},
  };
  return report;
}

}  // namespace

Experiment orthogonality() {
  return {"orthogonality", "Is a high dimension nearly orthogonal?",
          "Random vectors: 64 × 64 pairs for each seed. Models: reversal of strings of 1 to 8 out "
          "of 10 symbols, one block each, 500 steps; the mean over all symbols and all positions "
          "that occur. Sinusoidal positions: 0 to 63.",
          measure, report};
}

}  // namespace adjoint::experiments
