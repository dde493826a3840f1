// "token order = (1 1 2 2), valid_len order = (1 2 1 2)": the bug that a reader of the book found.
// Attention takes each head of each example for an example of its own. Heads arrive in one order
// and valid lengths in another, so a head sees as much of its example as another example is long.
//
// First the reader's arrays, and the share of heads that get a foreign length. Then an encoder with
// the right order and one with the wrong order learn to reverse strings of mixed lengths: the label
// at step t is the token n − 1 − t, and the end mark stays where it is. Two blocks, since a row
// must learn n before it can look there.
#include <algorithm>

#include "examples/experiments/questions.h"
#include "examples/experiments/questions/row_reversal.h"
#include "nn/checks/gradcheck.h"
#include "nn/checks/properties.h"

namespace adjoint::experiments {
namespace {

const std::vector<std::string> arms = {"repeat", "tile"};
Orders orders_of(std::size_t arm) {
  return {HeadOrder::batch_major, arm == 0 ? LengthOrder::repeat : LengthOrder::tile};
}

constexpr auto foreign = "heads with a foreign length (%)",
               in_batches = "right in batches of 64 (%)", alone = "right one by one (%)",
               on_padding = "attention on padding (%)", gradients = "gradient check passes",
               independence = "batch independence holds",
               split_array = "transpose_qkv of 0 … 23 as (2 3 4)",
               examples_array = "example of each head",
               lengths_array = "lengths [[1 2 3] [4 5 6]] for 4 heads by repeat";

// ---- The reader's arrays ------------------------------------------------------------------------

void add_list(Results& results, const char* quantity, const std::string& arm, const Tensor& list) {
  const Tensor values = cast(list, DType::f64);
  double place = 0;
  for (const double value : values.values<double>())
    results.add({quantity, arm, place++, std::nullopt, value});
}
void add_rows(Results& results, const char* quantity, const Tensor& x) {
  for (Index i = 0; i < x.size(0); ++i)
    add_list(results, quantity, text_from("row ", i + 1), slice(x, 0, i, i + 1));
}

void add_arrays(Results& results) {
  add_rows(results, split_array, transpose_qkv(reshape(arange(24), {2, 3, 4}), 2));
  const Tensor examples = tensor({1, 2}, DType::i64);
  // Each example as a row of its number, which goes the way of the tokens.
  const Tensor rows = broadcast_to(reshape(cast(examples, DType::f64), {2, 1, 1}), {2, 1, 4});
  add_list(results, examples_array, "tokens", slice(transpose_qkv(rows, 2), 2, 0, 1));
  add_list(results, examples_array, "tile", lengths_for_heads(examples, 2, LengthOrder::tile));
  add_list(results, examples_array, "repeat", lengths_for_heads(examples, 2, LengthOrder::repeat));
  const Tensor of_queries = tensor({{1, 2, 3}, {4, 5, 6}}, DType::i64);
  add_rows(results, lengths_array, lengths_for_heads(of_queries, 4, LengthOrder::repeat));
}

void add_foreign_share(Results& results, Index batch, Index heads) {
  const Tensor lengths = arange(batch, DType::i64);  // all differ
  const Tensor same = equal(lengths_for_heads(lengths, heads, LengthOrder::repeat),
                            lengths_for_heads(lengths, heads, LengthOrder::tile));
  results.add({foreign, text_from(batch, " × ", heads), std::nullopt, std::nullopt,
               100 * (1 - mean(cast(same, DType::f64)).item())});
}

// ---- The checks ---------------------------------------------------------------------------------

void add_checks(Results& results, std::size_t arm) {
  const BookEncoder encoder(
      {.tokens = 7, .width = 8, .hidden = 8, .heads = 2, .orders = orders_of(arm)}, Key(1));
  const Tensors batch = {tensor({{3, 1, 4, 1}, {5, 2, 0, 0}, {6, 5, 3, 0}}, DType::i64),
                         tensor({4, 2, 3}, DType::i64)};  // ids and lengths
  const auto right_gradients = nn::gradcheck(
      encoder, [](const BookEncoder& e, const Tensors& x) { return e(x[0], x[1]); }, batch);
  const auto independent =
      nn::batch_independence([&](const Tensors& x) { return Tensors{encoder(x[0], x[1])}; }, batch);
  results.add({gradients, arms[arm], std::nullopt, std::nullopt, right_gradients ? 1.0 : 0.0});
  results.add({independence, arms[arm], std::nullopt, std::nullopt, independent ? 1.0 : 0.0});
}

// ---- Training -----------------------------------------------------------------------------------

std::vector<Measured> run(std::size_t arm, std::int64_t seed, const Recipe& recipe) {
  const Key key(static_cast<std::uint64_t>(seed));
  const Task task = reversal({}, key.child("task"));
  const Reverser model(task, orders_of(arm), key.child("model"));
  train(model, task.train, recipe, key.child("training"));
  const Quality in_64 = quality(model, task.held_out, 64);
  return {{in_batches, in_64.right},
          {alone, quality(model, task.held_out, 1).right},
          {on_padding, in_64.on_padding}};
}

void measure(const Effort& effort, Results& results) {
  add_arrays(results);
  add_foreign_share(results, 2, 2);
  add_foreign_share(results, 12, 4);
  add_foreign_share(results, 128, 4);
  for (std::size_t arm = 0; arm < arms.size(); ++arm) add_checks(results, arm);
  const Recipe recipe{.steps = effort.sized<Index>(1000, 200)};
  run_all(results, arms, effort.seeds(10, 3),
          [&](std::size_t arm, std::int64_t seed) { return run(arm, seed, recipe); });
}

// ---- The verdict --------------------------------------------------------------------------------

std::string list_of(const Results& results, const char* quantity, const std::string& arm) {
  std::string list;
  for (const double place : results.places(quantity, arm))
    list += text_from(list.empty() ? "" : " ", results.value(quantity, arm, place));
  return list;
}

// "[0 1] [2 3]" for the lists of all arms.
std::string rows_of(const Results& results, const char* quantity) {
  std::string rows;
  for (const std::string& arm : results.arms(quantity))
    rows += text_from(rows.empty() ? "[" : " [", list_of(results, quantity, arm), ']');
  return rows;
}

Report report(const Results& results) {
  const auto mean_of = [&](const char* quantity, const char* arm) {
    return interval(results.values(quantity, arm));
  };
  const Interval right = mean_of(in_batches, "repeat"), wrong = mean_of(in_batches, "tile");
  const Interval loss =
      paired_difference(results.values(in_batches, "repeat"), results.values(in_batches, "tile"));
  const std::vector<double> masses = results.values(on_padding, "tile");
  const auto holds = [&](const char* check, const char* arm) {
    return results.value(check, arm) == 1;
  };

  Report report;
  std::string shares;
  for (const std::string& size : results.arms(foreign))
    shares += text_from(shares.empty() ? " " : ", ", words(results.value(foreign, size)), "% (",
                        size, ")");
  report.answer =
      text_from("If all lengths differ, tile gives a foreign length to", shares,
                " of the heads. It costs ", words(loss), " points of ", words(right.mean),
                loss.decides() ? "" : ", so the data do not decide",
                wrong.above(50) ? "; training converges, unlike in the discussion. " : ". ",
                words(interval(masses).mean), "% of the attention goes to padding. ",
                holds(gradients, "tile") && !holds(independence, "tile")
                    ? "Gradient checks pass, so nobody noticed; batch independence fails. "
                    : "",
                loss.runs, " seeds.");

  const auto order = [&](const char* arm) { return list_of(results, examples_array, arm); };
  const Table arrays{{"array", "elements"},
                     {{split_array, rows_of(results, split_array)},
                      {"the example of each head", order("tokens")},
                      {"the example of each length by tile", order("tile")},
                      {"the example of each length by repeat", order("repeat")},
                      {lengths_array, rows_of(results, lengths_array)}}};
  report.tables = {
      arrays, table_of(results, "examples × heads", {foreign}),
      table_of(results, "lengths by", {in_batches, alone, on_padding, gradients, independence})};
  report.pictures = {bars_of(results, "Reversing strings", in_batches),
                     bars_of(results, "What padding gets", on_padding)};

  report.claims = {
      {"heads have the order of repeat, not of tile",
       order("tokens") == order("repeat") && order("tokens") != order("tile")},
      {"gradients are right in both orders",
       holds(gradients, "repeat") && holds(gradients, "tile")},
      {"examples are independent with repeat alone",
       holds(independence, "repeat") && !holds(independence, "tile")},
      {"repeat − tile > 0: " + words(loss), loss.above(0)},
      {"with repeat no attention goes to padding", mean_of(on_padding, "repeat").mean == 0},
      {"with tile some does", std::ranges::min(masses) > 0}};
  return report;
}

}  // namespace

Experiment head_order() {
  return {
      "head_order", "The order of heads and valid lengths",
      "Two encoder blocks, width 64, 4 heads, and a linear layer on each row; 3000 strings of 1 "
      "to 8 of 10 symbols, label t is token n − 1 − t; 1000 steps (quick: 200) of Adam, batch "
      "64, rate 0.004; 300 held-out strings. Heads in batch-major order.",
      measure, report};
}

}  // namespace adjoint::experiments
