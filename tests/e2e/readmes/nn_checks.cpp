#include "adjoint.h"

#include <iostream>

using namespace adjoint;

int main() {
  const nn::MultiHeadAttention attention(4, 2, 0, Key(1));
  const auto my_attention = [&](const Tensor& x, const Tensor& lengths) {
    const nn::Mask mask = nn::Mask::full(x.size(0), 5, 5).with_lengths(lengths);
    return attention(x, x, x, mask, nn::Context::inference());
  };
  const Tensor x = normal({3, 5, 4}, 0, 1, Key(2)), lengths = tensor({5, 2, 3}, DType::i64);
#include "cpp1"
}
