// A sentence for explain(): where NaN and infinities in a gradient come from.
#pragma once

#include <string>

#include "autograd/tools/tape_story.h"

namespace adjoint::telling {

/// Why an operation sends a gradient that is not finite, if that begins here. Empty if the gradient
/// is finite, or if an operand or a cotangent explains it.
std::string why_not_finite(const TapeStory& story, const TapeStory::Vjp& vjp, std::size_t input);

}  // namespace adjoint::telling
