// Trades time for memory: a function whose intermediate values are recomputed, not stored.
#pragma once

#include "autograd/functional.h"

namespace adjoint {

/// Computes f(inputs), but keeps only the inputs on the tape; the sweep runs f again and
/// differentiates that. So the values that f computes take no memory in between, at the price of a
/// second forward pass. (Chen et al., "Training deep nets with sublinear memory cost", 2016.)
/// Values and derivatives of any order equal those of f, apart from the order in which gradients
/// are summed.
///
/// f must compute the same each time, from its inputs and from constants (such as dropout keys).
/// Error if it reads a tracked tensor that is not among the inputs, such as a parameter, whose
/// gradient would be lost.
Tensors recomputed(const Function& f, const Tensors& inputs);
Tensor recomputed(const std::function<Tensor(const Tensor&)>& f, const Tensor& x);

}  // namespace adjoint
