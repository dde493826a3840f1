#include "adjoint.h"

#include <iostream>

using namespace adjoint;

int main() {
  try {
#include "cpp1"
  } catch (const Error& error) {
    std::cout << error.what() << '\n';
  }
  try {
#include "cpp2"
  } catch (const Error& error) {
    std::cout << error.what() << '\n';
  }
  nn::Transformer model({.source_tokens = 9, .target_tokens = 9, .width = 8, .heads = 2}, Key(1));
  const auto optimizer = nn::make_optimizer("adam", nn::parameters(model));
  nn::Trainer trainer(model, *optimizer);
  const std::vector<Ids> sources = {{3, 4, 2}, {5, 2}}, targets = {{1, 4, 3, 2}, {1, 5, 2}};
  {
#include "cpp3"
  }
#include "rest"
}
