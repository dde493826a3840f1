#include "adjoint.h"

#include <iostream>

using namespace adjoint;
using namespace adjoint::nn;

class MyMomentum : public Optimizer {
 public:
  MyMomentum(const Tensors& parameters, double learning_rate)
      : Optimizer(parameters, "mine", learning_rate, {{"momentum", 0.9}}, {"velocity"}) {}

 private:
  void update(const Tensors& gradients, double scale) override {
    const double rate = learning_rate(), momentum = 0.9;
#include "cpp2"
  }
};

int main() {
  const TransformerConfig config = {.source_tokens = 9,
                                    .target_tokens = 9,
                                    .width = 8,
                                    .hidden = 8,
                                    .heads = 2,
                                    .encoder_blocks = 1,
                                    .decoder_blocks = 1};
  const data::EncodedPairs pairs = {{{3, 4, 2}, {5, 2}}, {{1, 4, 3, 2}, {1, 5, 2}}};
  data::Batches batches(pairs, {1}, Key(3));
#include "cpp1"
  // Two steps with the gradient 1: the velocity is 1, then 1.9.
  const Tensor w = variable(zeros({1}), "w");
  MyMomentum rule({w}, 0.5);
  rule.step({ones({1})});
  rule.step({ones({1})});
  return std::abs(w.at({0}) + 1.45) < 1e-6 ? 0 : 1;
}
