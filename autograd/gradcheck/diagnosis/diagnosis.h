// Infers from the measured derivatives what kind of mistake makes them wrong.
#pragma once

#include "autograd/gradcheck.h"

namespace adjoint::checking {

/// Adds a diagnosis for each input with a wrong derivative in the last order that was checked.
void diagnose(GradcheckReport& report);

}  // namespace adjoint::checking
