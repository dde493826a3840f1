// A model that knows the sentences of the page.
#include <iostream>

#include "adjoint.h"

using namespace adjoint;

nn::TranslationModel trained() {
  const nn::TranslationConfig config = {.network = {.transformer = {.width = 64, .dropout = 0}}};
  const auto lines = data::text_lines("Go.\tVa !\nI lost.\tJ'ai perdu.", "lines");
  const auto pairs = data::read_corpus(lines, config.tokens.make()).pairs;
  nn::TranslationModel model(config, pairs, Key(1));
  const auto optimizer = nn::make_optimizer("adam", nn::parameters(*model.network));
  nn::Trainer trainer(*model.network, *optimizer);
  const data::EncodedPairs ids = nn::encode_pairs(model, pairs);
  for (int step = 0; step < 60; ++step) trainer.step(ids.sources, ids.targets);
  return model;
}

int main() {
  const nn::TranslationModel model = trained();
#include "cpp1"
}
