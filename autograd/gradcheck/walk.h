// Which operation on the tape is the wrong one.
#pragma once

#include "autograd/gradcheck.h"

namespace adjoint::checking {

/// Records f at the inputs (f64, or constants) and checks each operation on its tape by itself up
/// to the given order. An operation is checked at the inputs that it had, so a wrong one cannot
/// hide behind another, nor be blamed for it.
TapeWalk walk_tape(const Function& f, const Tensors& inputs, int order,
                   const GradcheckOptions& options);

}  // namespace adjoint::checking
