// After a failure: each operation on the tape of the function, checked alone.
#pragma once

#include "autograd/gradcheck.h"

namespace adjoint::checking {

/// Checks each operation on the tape of f separately, up to the given order. Each runs at the
/// inputs it had, so a wrong operation can neither hide behind another one nor be blamed for it.
TapeWalk walk_tape(const Function& f, const Tensors& inputs, int order, Key key);

}  // namespace adjoint::checking
