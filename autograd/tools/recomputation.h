// Memory for time: a function remembered by its inputs alone.
#pragma once

#include "autograd/functional.h"

namespace adjoint {

/// f(inputs), of which the tape keeps nothing but the inputs: the sweep runs f once more and
/// differentiates that. The memory of all that f computes is then free in between, for the price of
/// a second forward pass (Chen et al., "Training deep nets with sublinear memory cost", 2016).
/// Values and derivatives of any order are those of f; only the order of sums with other gradients
/// differs.
///
/// f has to compute the same whenever it is called: from its inputs and from constants (keys of
/// dropout are such). Error when it reads a tracked tensor that is not among the inputs, a
/// parameter say: its gradient would be lost.
Tensors recomputed(const Function& f, const Tensors& inputs);
Tensor recomputed(const std::function<Tensor(const Tensor&)>& f, const Tensor& x);

}  // namespace adjoint
