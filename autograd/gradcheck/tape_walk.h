// Finds out which operation on a tape is wrong.
#pragma once

#include "autograd/gradcheck.h"

namespace adjoint::checking {

/// Records f at the inputs (f64, or constants) and checks each operation on its tape separately, up
/// to the given order. Each runs at the inputs it had, so a wrong operation can neither hide behind
/// another one nor be blamed for it.
TapeWalk walk_tape(const Function& f, const Tensors& inputs, int order,
                   const GradcheckOptions& options);

}  // namespace adjoint::checking
