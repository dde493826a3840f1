// Lesson 10: a Transformer learns to reverse strings. 7 3 1 goes in, 1 3 7 comes out.
//
// After it you can train a sequence-to-sequence model, decode from it, and check beforehand what no
// gradient shows. It takes 25 minutes and builds on lessons 7 (training), 8 (loss), 9 (attention).

#include "adjoint.h"
#include "examples/lesson.h"

namespace {

using namespace adjoint;
using lesson::claim, lesson::part, lesson::predict, lesson::quick, lesson::say;

// Token ids: three marks and ten symbols.
constexpr Index padding = 0, begin = 1, end = 2, first_symbol = 3, tokens = 13, longest = 8;
const nn::Context no_dropout = nn::Context::inference();

// The decoder reads the answer so far and predicts the next token:   reads  begin 1 3 7
//                                                                    labels 1 3 7 end
Tensor shifted(const Tensor& labels) {
  const Tensor first = full({labels.size(0), 1}, begin, DType::i64);  // [batch, 1]
  return concat({first, slice(labels, 1, 0, -1)}, 1);                 // [batch, steps]
}
// The first planted bug: it reads the token that it should predict.
Tensor not_shifted(const Tensor& labels) { return labels; }
using Reading = Tensor (*)(const Tensor& labels);

// Strings of 1 to `longest` symbols, padded to ids [batch, steps]; the labels are reversed strings.
struct Batch {
  nn::Sequences strings, read, labels;
};
Batch random_batch(Index size, Key key, Reading reading = shifted) {
  const Tensor lengths = random_integers({size}, 1, longest + 1, key.child("lengths"));
  const Tensor symbols = random_integers({size, longest}, first_symbol, tokens, key.child("all"));
  std::vector<nn::Ids> strings, reversed;
  const Index* row = symbols.values<Index>().data();
  for (const Index length : lengths.values<Index>()) {
    strings.emplace_back(row, row + length);
    reversed.emplace_back(strings.back().rbegin(), strings.back().rend());
    reversed.back().push_back(end);
    row += longest;
  }
  const auto labels = nn::Sequences::padded(reversed, padding);
  return {nn::Sequences::padded(strings, padding), {reading(labels.ids), labels.layout}, labels};
}

// The mean cross-entropy of the labels, not counting padding.
Tensor loss_of(const nn::Transformer& model, const Batch& batch) {
  const Tensor logits = model.logits(batch.strings, batch.read, no_dropout);
  const nn::LossSum loss = nn::masked_cross_entropy(logits, batch.labels.ids, padding);
  return loss.sum / static_cast<double>(loss.count);  // logits [batch, steps, tokens]
}

double train(const nn::Transformer& model, Reading reading, int steps) {
  const Tensors parameters = nn::parameters(model);
  nn::Adam optimizer(parameters);
  Tensor loss;
  for (int step = 0; step < steps; ++step) {
    loss = loss_of(model, random_batch(64, Key(2).child(std::to_string(step)), reading));
    optimizer.set_learning_rate(4e-3 * (1 - 1.0 * step / steps));  // smaller and smaller steps
    optimizer.step(grad(loss, parameters));
    if (step % 100 == 0) say(text_from("  step ", step, "  loss ", loss.item()));
  }
  return loss.item();
}

// Maps the last tokens [batch] to logits [batch, tokens] of the next ones. The encoder has turned
// the string into rows, its memory. Each block of the decoder attends to the rows written so far
// (self) and to the memory (cross), and ends in two layers on each row alone.
nn::Step decoding(const nn::Transformer& model, const nn::Sequences& strings, bool counts_steps) {
  const Tensor memory = model.encoder(strings, no_dropout);  // [batch, source steps, width]
  const auto rows = std::make_shared<Tensors>();             // [batch, 1, width] for each step
  return [=, &model](const Tensor& ids) {
    const Index batch = ids.size(0), step = std::ssize(*rows);
    const Index position = counts_steps ? step : 0;                    // 0: the second planted bug
    const auto here = nn::Layout::full(batch, 1).placed(0, position);  // one row at `position`
    const Tensor token = model.decoder.embedding(reshape(ids, {batch, 1}));  // [batch, 1, width]
    rows->push_back(model.decoder.positions(token, here, no_dropout));
    Tensor x = concat(*rows, 1);  // [batch, step + 1, width]
    const auto past = nn::Layout::full(batch, step + 1);
    const auto self = nn::Mask(past, past).causal(), cross = nn::Mask(past, strings.layout);
    for (const nn::DecoderBlock& block : model.decoder.blocks)
      x = block(x, memory, self, cross, past, no_dropout);
    return reshape(model.decoder.predict(slice(x, 1, step, step + 1)), {batch, tokens});
  };
}

// The share of strings reversed without a mistake, if each step takes the likeliest token.
double accuracy(const nn::Transformer& model, const Batch& batch, bool counts_steps) {
  const NoRecording guard;
  const Tensor& labels = batch.labels.ids;  // [batch, steps]
  const nn::Step next = decoding(model, batch.strings, counts_steps);
  Tensor ids = full({labels.size(0)}, begin, DType::i64);  // [batch]
  Tensors answers;
  for (Index step = 0; step < labels.size(1); ++step) answers.push_back(ids = argmax(next(ids)));
  const Tensor is_padding = equal(labels, scalar(padding, DType::i64));
  const Tensor right = where(is_padding, is_padding, equal(stack(answers, 1), labels));
  return mean(prod(cast(right, DType::f64), {1})).item();  // right b8 [batch, steps]
}

// What predicts a label must not have read it.
std::string strict_causality(const nn::Transformer& model, const Batch& batch, Reading reading) {
  const Function logits = [&](const Tensors& labels) {
    const nn::Sequences read = {reading(labels[0]), batch.labels.layout};
    return Tensors{model.logits(batch.strings, read, no_dropout)};
  };
  return text_from(nn::causality(logits, {batch.labels.ids}, nn::Sees::past));
}
// Step by step, a model must give what it gives for all steps at once, as in training.
std::string cached_decoding(const nn::Transformer& model, const Batch& batch, bool counts_steps) {
  const auto all = nn::Layout::full(batch.read.ids.size(0), batch.read.ids.size(1));
  const auto at_once = [&](const Tensor& ids) {
    return model.logits(batch.strings, {ids, all}, no_dropout);
  };
  const auto start = [&] { return decoding(model, batch.strings, counts_steps); };
  return text_from(nn::cached_decoding(at_once, start, batch.read.ids));
}
void claim_says(const char* version, const std::string& report, const char* words) {
  say(report);
  claim(text_from(version, ": the check says \"", words, '"'), report.find(words) < report.size());
}

void lesson_of_the_transformer() {
  nn::TransformerConfig config{tokens, tokens, 64};  // ids of source and target, and the width
  config.encoder_blocks = config.decoder_blocks = 1;
  const nn::Transformer model(config, Key(1)), cheat(config, Key(1));
  const Batch four = random_batch(4, Key(3)), fresh = random_batch(500, Key(4));

  part("Break and repair, before training: bugs whose gradients are right");
  claim_says("not shifted", strict_causality(model, four, not_shifted), "reads the label");
  claim_says("shifted", strict_causality(model, four, shifted), "holds");
  claim_says("position 0", cached_decoding(model, four, false), "step t must add row t, not row 0");
  claim_says("position t", cached_decoding(model, four, true), "holds");
  part("Training and decoding");
  predict("one model trains on labels that are not shifted. Will its loss be higher or lower?");
  claim("not shifted: next to no loss", train(cheat, not_shifted, 60) < 0.1);
  claim("but next to no string is reversed: it copies", accuracy(cheat, fresh, true) < 0.1);
  claim("shifted: less than guessing, ln 13", train(model, shifted, quick() ? 60 : 500) < 2.56);
  predict("it decodes with position 0 at every step. How much does that matter?");
  const double right = accuracy(model, fresh, true), wrong = accuracy(model, fresh, false);
  say(text_from("Reversed: ", 100 * right, "%; with position 0: ", 100 * wrong, "%."));
  if (!quick()) claim("over 90%, with position 0 under 50%", right > 0.9 && wrong < 0.5);
}

}  // namespace

int main(int argc, char** argv) { return lesson::run(argc, argv, lesson_of_the_transformer); }

// Break it yourself: let position be step + 1 in decoding(): two claims fail, one of them at once.
// Exercise: where does it look while it writes? The solution is solutions/10_transformer.cpp.
