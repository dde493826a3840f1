// What else a reader of the book can stumble over, each trap on its own.
//
// 1. Decoding feeds one token at a time, and each gets the encoding of position 0. The book's
//    PyTorch embeddings begin with N(0, 1) and are multiplied by √d, beside which positions in
//    [−1, 1] are small. Does that hide the mistake?
// 2. The decoder has its causal mask in training only, so the validation loss is computed without.
// 3. Masked scores become −10⁶, so a sequence of length 0 attends to all of its padding equally.
#include <algorithm>
#include <cmath>

#include "autograd/grad.h"
#include "examples/experiments/frame/training.h"
#include "examples/experiments/questions.h"
#include "examples/experiments/questions/book_encoder.h"

namespace adjoint::experiments {
namespace {

struct Setting {
  std::string name;
  bool french;          // English to French, else reversal
  bool book_embedding;  // N(0, 1) · √d, else N(0, 1/d) · √d
};
const std::vector<Setting> settings = {{"reversal; ours", false, false},
                                       {"reversal; the book's", false, true},
                                       {"French; ours", true, false},
                                       {"French; the book's", true, true}};

constexpr auto right = "exact match (%)", right_at_zero = "exact match with position 0 (%)",
               true_loss = "validation loss", loss_at_zero = "loss with position 0",
               shown_loss = "loss without the causal mask", weight = "weight of padding (%)",
               slope = "gradient that it gets (%)";

// ---- Position 0 at every step ------------------------------------------------------------------

// The same model, for which every position of the target is 0.
nn::Transformer with_position_zero(nn::Transformer model) {
  Tensor& table = model.decoder.positions.table;  // [positions, width]
  table = broadcast_to(slice(table, 0, 0, 1), table.shape());
  return model;
}

// ---- Validation without the causal mask --------------------------------------------------------

// The model in whose decoder each row sees the whole target.
struct Unmasked : nn::EncoderDecoder {
  nn::Transformer model;

  explicit Unmasked(const nn::Transformer& m) : model(m) {}
  void fields(nn::Fields& visit) override { model.fields(visit); }

  Tensor logits(const nn::Sequences& source, const nn::Sequences& target,
                const nn::Context& context) const override {
    const nn::TransformerDecoder& decoder = model.decoder;
    const Tensor memory = model.encoder(source, context);
    const nn::Mask self(target.layout, target.layout), cross(target.layout, source.layout);
    Tensor x = decoder.positions(decoder.embedding(target.ids), target.layout, context);
    for (const nn::DecoderBlock& block : decoder.blocks)
      x = block(x, memory, self, cross, target.layout, context);
    return decoder.predict(x);
  }
  std::unique_ptr<nn::Decoding> decode(const nn::Sequences& source, Index capacity) const override {
    return model.decode(source, capacity);
  }
};

std::vector<Measured> run(const Setting& setting, Index seed, Index steps) {
  const Key key(static_cast<std::uint64_t>(seed));
  const Task task = setting.french ? english_french(3000, 300, key.child("task"))
                                   : reversal({}, key.child("task"));
  nn::Transformer model(small_transformer(task), key.child("model"));
  if (setting.book_embedding)
    for (Tensor* table : {&model.encoder.embedding.table, &model.decoder.embedding.table})
      *table = variable(*table * std::sqrt(static_cast<double>(table->size(1))));
  train(model, task.train, {.steps = steps}, key.child("training"));
  return {{right, exact_match(model, task.held_out)},
          {right_at_zero, exact_match(with_position_zero(model), task.held_out)},
          {true_loss, mean_loss(model, task.held_out)},
          {loss_at_zero, mean_loss(with_position_zero(model), task.held_out)},
          {shown_loss, mean_loss(Unmasked(model), task.held_out)}};
}

// ---- A length of 0 -----------------------------------------------------------------------------

void add_zero_length(Results& results) {
  const Tensor scores = normal({1, 4}, 0, 1, Key(1)), allowed = zeros({1, 4}, DType::b8);
  const Tensor values = variable(normal({4, 1}, 0, 1, Key(2)));
  const auto add = [&](const char* arm, const Tensor& weights) {
    const Tensor gradient = grad(sum(matmul(weights, values)), {values})[0];  // [keys, 1]
    results.add({weight, arm, std::nullopt, std::nullopt, 100 * max(weights).item()});
    results.add({slope, arm, std::nullopt, std::nullopt, 100 * max(abs(gradient)).item()});
  };
  add("the book", filled_softmax(scores, allowed));
  add("adjoint", masked_softmax(scores, allowed));
}

void measure(const Effort& effort, Results& results) {
  std::vector<std::string> names;
  for (const Setting& setting : settings)
    if (!effort.quick || !setting.french) names.push_back(setting.name);
  run_all(results, names, effort.seeds(10, 3), [&](std::size_t arm, Index seed) {
    return run(settings[arm], seed, effort.sized<Index>(1000, 300));
  });
  add_zero_length(results);
}

// ---- The verdict --------------------------------------------------------------------------------

// A bar for each model with position t, and one below it with position 0.
Picture exact_matches(const Results& results) {
  const Picture at_step = bars_of(results, "Position t or 0 at step t", right);
  const Picture at_start = bars_of(results, "", right_at_zero);
  Picture both = at_step;
  both.series.clear();
  for (std::size_t i = 0; i < at_step.series.size(); ++i)
    for (Series bar : {at_step.series[i], at_start.series[i]}) {
      bar.name += both.series.size() % 2 == 0 ? ", position t" : ", position 0";
      both.series.push_back(bar);
    }
  return both;
}

Report report(const Results& results) {
  const auto mean_of = [&](const char* quantity, const Setting& setting) {
    return interval(results.values(quantity, setting.name));
  };
  const auto change = [&](const char* from, const char* to, const Setting& setting) {
    return paired_difference(results.values(to, setting.name), results.values(from, setting.name));
  };
  const Setting &ours = settings[0], &book = settings[1];
  const Interval cost = change(right_at_zero, right, ours);
  const Interval rise = change(true_loss, loss_at_zero, ours);
  const Interval book_rise = change(true_loss, loss_at_zero, book);
  const Interval error = change(true_loss, shown_loss, ours);
  const Interval learned = mean_of(right, ours), book_learned = mean_of(right, book);
  const bool hidden = book_rise.high < rise.low, unused = book_learned.high < learned.low;
  const double of_book = results.value(weight, "the book"),
               of_us = results.value(weight, "adjoint");

  Report report;
  report.answer =
      text_from("Reversal, ", cost.runs, " seeds: position 0 costs ", words(cost),
                " points; the loss rises by ", words(rise.mean), ". With the book's embedding ",
                hidden ? "the mistake hides" : "it does not hide beyond chance", " (",
                words(book_rise.mean), ")",
                unused ? text_from(", but then positions hardly count: ", words(book_learned),
                                   "% are reversed. ")
                       : ". ",
                "Without the causal mask, validation shows ", words(mean_of(shown_loss, ours).mean),
                " for ", words(mean_of(true_loss, ours).mean),
                error.decides() ? ". " : ", which is not beyond chance. ",
                "At length 0 each of 4 padding keys weighs ", words(of_book), "% in the book, ",
                words(of_us), "% here.");
  report.tables = {table_of(results, "task; embedding",
                            {right, right_at_zero, true_loss, loss_at_zero, shown_loss}),
                   table_of(results, "length 0", {weight, slope})};
  report.pictures = {exact_matches(results)};
  report.claims = {
      {"position 0 costs exact match: " + words(cost), cost.above(0)},
      {text_from("the book's embedding hides it: ", words(book_rise), " < ", words(rise)), hidden,
       true},
      {"without the causal mask the loss is higher: " + words(error), error.above(0), true},
      {"padding gets 25% each in the book and nothing here", of_book == 25 && of_us == 0}};
  return report;
}

}  // namespace

Experiment traps() {
  return {
      "traps", "The book's own traps",
      "The small Transformer: one block in encoder and decoder, width 64; 1000 steps (quick: 300) "
      "of Adam, batch 64, rate 0.004. Reversal of strings of 1 to 8 symbols, 300 held out; English "
      "to French, 3000 pairs, 300 held out (not in the quick form). The book's embedding begins "
      "with N(0, 1), ours with N(0, 1/d); both are multiplied by √d. Losses are of a target token, "
      "the target before it given.",
      measure, report};
}

}  // namespace adjoint::experiments
