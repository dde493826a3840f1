// "If this makes sense, transpose_qkv should be changed to … X.transpose(2, 0, 1, 3)": a reader's
// other remedy. Tiled lengths are right if all examples of the first head come first, then all of
// the second. The book chose repeat instead. Are the two the same?
//
// First exactly: attention over random shapes in all four combinations of the orders, its results
// and its gradients beside those of batch-major heads with repeated lengths. Then the same four in
// training.
#include <algorithm>

#include "autograd/grad.h"
#include "examples/experiments/questions.h"
#include "examples/experiments/questions/row_reversal.h"

namespace adjoint::experiments {
namespace {

struct Combination {
  std::string name;
  Orders orders;
};
const std::vector<Combination> combinations = {
    {"batch-major with repeat", {HeadOrder::batch_major, LengthOrder::repeat}},
    {"head-major with tile", {HeadOrder::head_major, LengthOrder::tile}},
    {"batch-major with tile", {HeadOrder::batch_major, LengthOrder::tile}},
    {"head-major with repeat", {HeadOrder::head_major, LengthOrder::repeat}}};
std::vector<std::string> names() {
  std::vector<std::string> result;
  for (const Combination& one : combinations) result.push_back(one.name);
  return result;
}

constexpr auto in_values = "difference of results (%)",
               in_gradients = "difference of gradients (%)", right = "reversed tokens (%)",
               on_padding = "attention on padding (%)";

// ---- One random attention in all four combinations ----------------------------------------------

struct Case {
  nn::MultiHeadAttention layer;
  Tensor x, lengths, cotangent;

  // The result, then the gradients of x and of the weights for one cotangent.
  Tensors run(const Orders& orders) const {
    const Tensor y = book_attention(layer, x, lengths, orders);
    Tensors xs = nn::parameters(layer), all = {detach(y)};
    xs.push_back(x);
    for (const Tensor& gradient : grad({y}, xs, {cotangent})) all.push_back(gradient);
    return all;
  }
};

// 2 to 9 examples, 2 to 8 heads of width 1 to 8, all lengths different, up to 12 steps.
Case random_case(Key key) {
  const auto draw = [&](const char* what, Index low, Index high) {
    return random_integers({1}, low, high + 1, key.child(what)).values<Index>()[0];
  };
  const Index batch = draw("batch", 2, 9), heads = draw("heads", 2, 8);
  const Index width = heads * draw("width", 1, 8), steps = draw("steps", batch, 12);
  const Tensor order = permutation(steps, key.child("lengths"));  // 0 … steps − 1
  std::vector<Index> lengths;
  for (const Index n : slice(order, 0, 0, batch).values<Index>()) lengths.push_back(n + 1);
  const Shape shape{batch, steps, width};
  return {nn::MultiHeadAttention(width, heads, 0, key.child("layer")),
          variable(normal(shape, 0, 1, key.child("x"))), nn::indices(lengths),
          normal(shape, 0, 1, key.child("cotangent"))};
}

// ‖a − b‖ / ‖b‖ in percent: 0 only if they are equal to the last bit.
double difference(const Tensor& a, const Tensor& b) {
  return 100 * norm(cast(a, DType::f64) - cast(b, DType::f64)).item() /
         norm(cast(b, DType::f64)).item();
}

std::vector<Measured> compare(const Orders& orders, Index seed) {
  const Case one = random_case(Key(static_cast<std::uint64_t>(seed)));
  const Tensors found = one.run(orders), expected = one.run(combinations[0].orders);
  double of_gradients = 0;
  for (std::size_t i = 1; i < found.size(); ++i)
    of_gradients = std::max(of_gradients, difference(found[i], expected[i]));
  return {{in_values, difference(found[0], expected[0])}, {in_gradients, of_gradients}};
}

// ---- Training -----------------------------------------------------------------------------------

std::vector<Measured> train(const Orders& orders, Index seed, const Recipe& recipe) {
  const Key key(static_cast<std::uint64_t>(seed));
  const Task task = reversal({}, key.child("task"));
  const Reverser model(task, orders, key.child("model"));
  train(model, task.train, recipe, key.child("training"));
  const Quality found = quality(model, task.held_out, 64);
  return {{right, found.right}, {on_padding, found.on_padding}};
}

void measure(const Effort& effort, Results& results) {
  run_all(results, names(), effort.sized<Index>(100, 20),
          [](std::size_t arm, Index seed) { return compare(combinations[arm].orders, seed); });
  const Recipe recipe{.steps = effort.sized<Index>(1000, 100)};
  run_all(results, names(), effort.seeds(10, 2), [&](std::size_t arm, Index seed) {
    return train(combinations[arm].orders, seed, recipe);
  });
}

// ---- The verdict --------------------------------------------------------------------------------

Report report(const Results& results) {
  const auto all = [&](const char* quantity, std::size_t arm) {
    return results.values(quantity, combinations[arm].name);
  };
  const auto equal_bits = [&](std::size_t arm) {
    return std::ranges::max(all(in_values, arm)) == 0 &&
           std::ranges::max(all(in_gradients, arm)) == 0;
  };
  const auto always_differs = [&](std::size_t arm) {
    return std::ranges::min(all(in_values, arm)) > 0;
  };
  const Interval loss = paired_difference(all(right, 0), all(right, 2)),
                 other_loss = paired_difference(all(right, 0), all(right, 3));

  Report report;
  report.answer = text_from(
      "In ", all(in_values, 1).size(), " random shapes this remedy ",
      equal_bits(1) ? "equals repeat to the last bit, in results and gradients. "
                    : "differs from repeat. ",
      "The mixed pairs differ by ", words(interval(all(in_values, 2)).mean), "% and ",
      words(interval(all(in_values, 3)).mean), "%; in training (", loss.runs, " seeds) they lose ",
      words(loss), " and ", words(other_loss), " points",
      loss.decides() && other_loss.decides() ? ". "
                                             : ", so the data do not decide whether they harm. ",
      equal_bits(1) ? "Either remedy is right; both together are the bug again." : "");
  report.tables = {table_of(results, "heads with lengths")};
  report.pictures = {bars_of(results, "How far from the book's attention", in_values),
                     bars_of(results, "Reversing strings", right)};
  report.claims = {
      {"head-major with tile equals batch-major with repeat to the last bit", equal_bits(1)},
      {"and so do their trained models", all(right, 0) == all(right, 1)},
      {"the mixed pairs differ for every shape", always_differs(2) && always_differs(3)},
      {"in training, batch-major with tile loses: " + words(loss), loss.above(0), true},
      {"in training, head-major with repeat loses: " + words(other_loss), other_loss.above(0),
       true}};
  return report;
}

}  // namespace

Experiment heads_major() {
  return {
      "heads_major", "The other remedy: heads first, lengths tiled",
      "100 (quick: 20) random attentions of 2 to 9 examples of different lengths, 2 to 8 heads "
      "of width 1 to 8, up to 12 steps; differences are ‖a − b‖ / ‖b‖, b from batch-major heads "
      "with repeat. Training as for head_order (quick: 100 steps).",
      measure, report};
}

}  // namespace adjoint::experiments
