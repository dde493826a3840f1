#include "adjoint.h"

#include <iostream>

using namespace adjoint;

int main() {
  const nn::Transformer model({.source_tokens = 9, .target_tokens = 9, .width = 8, .heads = 2},
                              Key(1));
  const std::vector<Ids> sources = {{3, 4, 2}, {5, 2}}, references = {{4, 3}, {5}};
#include "cpp1"
  return targets.size() == 2 && lists[1].size() == 3 && drawn.size() == 2 &&
                 scores[0].log_probability() < 0
             ? 0
             : 1;
}
