// explain() for long tapes: a line for each module instead of one for each operation.
#pragma once

#include <ostream>

#include "autograd/tools/tape_story.h"

namespace adjoint::telling {

/// Prints the story by module. Returns false, and prints nothing, if it was not computed in several
/// modules (name scopes).
bool tell_by_module(std::ostream& stream, const TapeStory& story);

}  // namespace adjoint::telling
