#include "autograd/ops/formula.h"

#include "autograd/ops.h"

namespace adjoint {
namespace {

// The same value with an identity of its own. Where the same tensor is given twice, as query and as
// key, say, each place must get its own partial derivative. While a graph is being recorded the
// alias stays connected to what it stands for; else it is a leaf.
Tensor alias(const Tensor& x, bool connected) {
  if (!is_real(x.dtype())) return x;
  return connected && x.tracked() ? affine(x, 1, 0) : variable(x);
}

}  // namespace

Tensors vjp_of_backward(const Formula& formula, const Pullback& back) {
  const bool connected = recording();
  const FlagGuard record(&Ambient::recording, true);

  Tensors all;  // x…, ȳ
  for (std::size_t i = 0; i < back.inputs(); ++i)
    all.push_back(alias(back.input(static_cast<int>(i)), connected));
  const Tensors xs(all.begin(), all.end() - 1);
  const Tensor g = all.back();

  Tensors reals, tracked;
  for (const Tensor& x : xs)
    if (x.tracked()) reals.push_back(x);
  for (const Tensor& x : all)
    if (x.tracked()) tracked.push_back(x);

  const Tensors first = grad(Tensors{formula(xs)}, reals, Tensors{g},
                             {.create_graph = true, .zeros_if_independent = true});
  Tensors cotangents;
  for (std::size_t i = 0; i < first.size(); ++i)
    cotangents.push_back(back.cotangent(static_cast<int>(i)));
  const Tensors second =
      grad(first, tracked, cotangents, {.create_graph = connected, .zeros_if_independent = true});

  Tensors result;
  auto next = second.begin();
  for (const Tensor& x : all) result.push_back(x.tracked() ? *next++ : Tensor());
  return result;
}

}  // namespace adjoint
