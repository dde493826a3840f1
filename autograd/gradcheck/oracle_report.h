// What a report says about the Taylor test and the dot product test.
#pragma once

#include <iosfwd>

#include "autograd/gradcheck.h"

namespace adjoint {

/// A phrase about each in the first line; nothing about what was not done.
void print_oracles(std::ostream& stream, const GradcheckReport& report);

}  // namespace adjoint
