// Elements that move nothing here but do elsewhere.
#pragma once

#include "autograd/gradcheck/differentiator.h"

namespace adjoint::checking {

/// Whether f begins to move only far from the value of element i, and gradually: as tanh does at
/// 50, and relu at −1, which begins at a kink, does not.
bool is_saturated(const Differentiator& both, Index i);

}  // namespace adjoint::checking
