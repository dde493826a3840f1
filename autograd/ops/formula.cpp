#include "autograd/ops/formula.h"

#include "autograd/functional.h"
#include "autograd/grad.h"

namespace adjoint {

Tensors vjp_of_backward(const Formula& formula, const Pullback& back) {
  const Function backward = [&](const Tensors& all) {  // (x…, ȳ) ↦ x̄…
    const Tensors xs(all.begin(), all.end() - 1);
    Tensors tracked;
    for (const Tensor& x : xs)
      if (x.tracked()) tracked.push_back(x);
    return grad({formula(xs)}, tracked, {all.back()},
                {.create_graph = true, .zeros_if_independent = true});
  };
  Tensors all, cotangents;
  for (std::size_t i = 0; i < back.input_count(); ++i) all.push_back(back.input(i));
  for (std::size_t i = 0; i < back.output_count(); ++i) cotangents.push_back(back.cotangent(i));
  return vjp(backward, all, {.create_graph = recording()}).pullback(cotangents);
}

}  // namespace adjoint
