// Lesson three: a Transformer learns to reverse strings. 7 3 1 goes in, 1 3 7 comes out.
//
// This is a complete program: the data, the model, the training loop and greedy decoding. It trains
// for a few seconds and fails when the model has not learned the task.

#include <algorithm>
#include <iostream>

#include "adjoint.h"

namespace {

using namespace adjoint;

// Token ids: three marks, then the symbols that strings are made of.
constexpr Index padding = 0, begin = 1, end = 2, first_symbol = 3, tokens = first_symbol + 10;
constexpr Index longest = 8;

// n strings of 1 to `longest` symbols. The same key gives the same strings.
std::vector<nn::Ids> random_strings(Index n, Key key) {
  const Tensor lengths = random_integers({n}, 1, longest + 1, key.child("lengths"));
  const Tensor symbols = random_integers({n, longest}, first_symbol, tokens, key.child("symbols"));
  std::vector<nn::Ids> strings;
  const Index* row = symbols.values<Index>().data();
  for (const Index length : lengths.values<Index>()) {
    strings.emplace_back(row, row + length);
    row += longest;
  }
  return strings;
}

nn::Ids reversed(const nn::Ids& string) { return {string.rbegin(), string.rend()}; }

// The mean cross-entropy of the answers' tokens. The decoder reads the answer so far and predicts
// the next token:   reads    begin 1 3 7
//                   predicts 1 3 7 end
Tensor loss_of(const nn::Transformer& model, const std::vector<nn::Ids>& strings) {
  std::vector<nn::Ids> read, predicted;
  for (const nn::Ids& string : strings) {
    read.push_back(reversed(string));
    predicted.push_back(read.back());
    read.back().insert(read.back().begin(), begin);
    predicted.back().push_back(end);
  }
  const auto batch = [](const auto& ids) { return nn::Sequences::padded(ids, padding); };
  const auto no_dropout = nn::Context::inference();
  const Tensor logits =
      model.logits(batch(strings), batch(read), no_dropout);  // [strings, steps, tokens]
  const nn::LossSum loss = nn::masked_cross_entropy(logits, batch(predicted).ids, padding);
  return loss.sum / static_cast<double>(loss.count);
}

// The share of strings that greedy decoding reverses without a mistake.
double accuracy(const nn::Transformer& model, const std::vector<nn::Ids>& strings) {
  const std::vector<nn::Ids> answers = nn::greedy(
      model, strings, {.begin = begin, .end = end, .padding = padding, .max_length = 2 * longest});
  double right = 0;
  for (std::size_t i = 0; i < strings.size(); ++i) right += answers[i] == reversed(strings[i]);
  return right / static_cast<double>(strings.size());
}

double lesson() {
  nn::TransformerConfig config;
  config.source_tokens = config.target_tokens = tokens;
  config.width = config.hidden = 64;
  const nn::Transformer model(config, Key(1));
  const Tensors parameters = nn::parameters(model);
  nn::Adam optimizer(parameters, {.learning_rate = 2e-3});

  for (std::uint64_t step = 1; step <= 600; ++step) {
    const Tensor loss = loss_of(model, random_strings(64, Key(2).child(step)));  // forward
    const Tensors gradients = grad(loss, parameters);                            // backward
    optimizer.step(gradients);                                                   // update
    if (step % 100 == 0) std::cout << "step " << step << "  loss " << loss.item() << '\n';
  }

  const double score = accuracy(model, random_strings(500, Key(3)));
  std::cout << 100 * score << "% of 500 freshly drawn strings are reversed without a mistake.\n";
  return score;
}

}  // namespace

int main() {
  const double score = lesson();
  require(bool(std::cout.flush()), "standard output cannot be written");
  return score > 0.9 ? 0 : 1;
}
