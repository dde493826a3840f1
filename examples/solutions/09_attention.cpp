// Exercise of lesson 9: give the heads an axis of their own, [batch, heads, steps, d], over
// which the masks broadcast, so that no length has to be repeated. Hide from each step those after
// it, as a decoder must. Does nn::causality agree, and are examples still independent?

#include <cmath>

#include "examples/adjoint.h"
#include "examples/lesson.h"

namespace {

using namespace adjoint;
using lesson::claim;

constexpr Index heads = 2;

Tensor split(const Tensor& x) {
  const Tensor apart = reshape(x, {x.size(0), x.size(1), heads, -1});  // [batch, steps, heads, d]
  return permute(apart, {0, 2, 1, 3});                                 // [batch, heads, steps, d]
}
Tensor join(const Tensor& x) {
  const Tensor aside = permute(x, {0, 2, 1, 3});                     // [batch, steps, heads, d]
  return reshape(aside, {x.size(0), x.size(2), heads * x.size(3)});  // [batch, steps, heads · d]
}

// True where the key is real and not later than the query.
Tensor allowed_keys(const Tensor& lengths, Index steps) {
  const Tensor key = arange(steps, DType::i64);                    // [keys]
  const Tensor query = reshape(key, {-1, 1});                      // [queries, 1]
  const Tensor real = less(key, reshape(lengths, {-1, 1, 1, 1}));  // [batch, 1, 1, keys]
  return where(greater(key, query), scalar(0, DType::b8), real);   // [batch, 1, queries, keys]
}

// x [batch, steps, width], lengths i64 [batch].
Tensor self_attention(const Tensor& x, const Tensor& lengths) {
  const Tensor parts = split(x);  // [batch, heads, steps, d]
  const Tensor scores = matmul(parts, parts, Transposed::b) / std::sqrt(parts.size(-1));
  const Tensor weights = masked_softmax(scores, allowed_keys(lengths, x.size(1)));
  return join(matmul(weights, parts));  // weights [batch, heads, queries, keys]
}

void causal_attention() {
  const Tensor x = normal({3, 5, 8}, 0, 1, Key(9), DType::f64),
               lengths = tensor({2, 5, 3}, DType::i64);
  const Function attend = [](const Tensors& in) { return Tensors{self_attention(in[0], in[1])}; };
  const Function of_x = [&](const Tensors& in) { return attend({in[0], lengths}); };
  claim("no example sees another", bool(nn::batch_independence(attend, {x, lengths})));
  claim("no step sees a later one", bool(nn::causality(of_x, {x})));
  claim("the gradients are right", bool(gradcheck(attend, {x, lengths})));
  const auto pattern = nn::Mask::full(3, 5, 5).with_lengths(lengths).causal().pattern();
  const Tensor off = self_attention(x, lengths) - attention(x, x, x, pattern, {.heads = heads});
  claim("the library's attention() in one pass differs by", max(abs(off)).item(), 0);
}

}  // namespace

int main(int argc, char** argv) { return lesson::run(argc, argv, causal_attention); }
