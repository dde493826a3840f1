// Fused operations and the formulas they stand for.
//
// A fused kernel computes at once what a formula of simple operations computes in many steps. Its
// backward is an operation too and needs a derivative of its own. Nobody has to write that one: the
// backward equals the sweep through the formula, so its vjp is a sweep through that sweep.
#pragma once

#include <functional>

#include "autograd/pullback.h"

namespace adjoint {

/// A function of tensors made of public operations.
using Formula = std::function<Tensor(const Tensors&)>;

/// The vjp of an operation that maps (x…, ȳ) to the x̄… of a formula y = f(x…). `back` is that
/// operation's pullback: its inputs are the x… and ȳ, its cotangents belong to the x̄….
Tensors vjp_of_backward(const Formula& formula, const Pullback& back);

}  // namespace adjoint
