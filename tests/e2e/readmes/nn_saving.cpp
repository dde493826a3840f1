#include "adjoint.h"

#include <iostream>

using namespace adjoint;
using nn::State;

namespace excerpt {
struct MovingAverage {
  void state(State& visit);
  Tensors parameters_, average_;
  double decay_ = 0.99;
  Index updates_ = 0;
};
#include "cpp3"
}  // namespace excerpt

int main() {
  static nn::Transformer model({.source_tokens = 9, .target_tokens = 9, .width = 8, .heads = 2},
                               Key(1));
  {
#include "cpp1"
#include "cpp2"
  }
  static const auto optimizer = nn::make_optimizer("adam", nn::parameters(model));
  static nn::Trainer trainer(model, *optimizer);
  static nn::Schedule schedule({.name = "constant"});
  const data::EncodedPairs pairs = {{{3, 4, 2}, {5, 2}}, {{1, 4, 3, 2}, {1, 5, 2}}};
  static data::Batches batches(pairs, {1}, Key(3));
  const std::filesystem::path path = "training.safetensors";
  trainer.step(pairs.sources, pairs.targets);
#include "cpp4"
  return optimizer->steps() == 1 ? 0 : 1;
}
