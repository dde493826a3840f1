// From measured derivatives to what kind of mistake makes them wrong.
#pragma once

#include "autograd/gradcheck.h"

namespace adjoint::checking {

/// Adds a diagnosis for each input whose derivative was found to be wrong in the last order that
/// was checked.
void diagnose(GradcheckReport& report);

}  // namespace adjoint::checking
