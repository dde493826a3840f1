// Exercise of lesson 10: where does the decoder look while it writes? A string is reversed from its
// end, so it should begin there. nn::Trainer trains, and nn::attention_weights() shows it.

#include "examples/adjoint.h"
#include "examples/lesson.h"

namespace {

using namespace adjoint;
using lesson::claim, lesson::quick, lesson::say;

constexpr Index padding = 0, begin = 1, end = 2, first_symbol = 3, tokens = 13, length = 8;

// Strings of `length` symbols, and what the trainer takes as targets: begin, reversed string, end.
std::pair<std::vector<nn::Ids>, std::vector<nn::Ids>> random_pairs(Index count, Key key) {
  std::vector<nn::Ids> strings, targets;
  const Tensor symbols = random_integers({count, length}, first_symbol, tokens, key);
  const Index* row = symbols.values<Index>().data();
  for (Index i = 0; i < count; ++i, row += length) {
    strings.emplace_back(row, row + length);
    targets.push_back({begin});
    targets.back().insert(targets.back().end(), strings.back().rbegin(), strings.back().rend());
    targets.back().push_back(end);
  }
  return {strings, targets};
}

void where_it_looks() {
  nn::TransformerConfig config{tokens, tokens, 64};
  config.encoder_blocks = config.decoder_blocks = 1;
  const nn::Transformer model(config, Key(1));
  nn::Adam optimizer(nn::parameters(model));
  nn::Trainer trainer(model, optimizer);
  const int steps = quick() ? 120 : 400;
  for (int step = 0; step < steps; ++step) {
    const auto [strings, targets] = random_pairs(64, Key(2).child(std::to_string(step)));
    optimizer.set_learning_rate(4e-3 * (1 - 1.0 * step / steps));
    trainer.step(strings, targets);
  }
  auto [strings, targets] = random_pairs(1, Key(3));
  targets[0].resize(length);  // begin and all symbols but the last: what is read to write them
  const auto read = nn::Sequences::padded(targets, padding);
  const auto seen = nn::attention_weights(model, nn::Sequences::padded(strings, padding), read);
  const Tensor weights = mean(seen.at("decoder.blocks.0.cross_attention"), {0, 1});
  double mirrored = 0;  // of the weights [written, read], means over the heads
  for (Index step = 0; step < length; ++step) {
    std::string row = "  ";
    for (Index place = 0; place < length; ++place)
      row += " .:+*#@"[static_cast<int>(6.99 * weights.at({step, place}))];
    say(row);
    mirrored += weights.at({step, length - 1 - step}) / length;
  }
  claim("the weights of each step sum to one", bool(nn::weights_average(weights)));
  claim(text_from("it looks at the symbol that it writes (at random 0.125): ", mirrored),
        mirrored > (quick() ? 0.2 : 0.5));
}

}  // namespace

int main(int argc, char** argv) { return lesson::run(argc, argv, where_it_looks); }
