// What happens in a wrong sweep, in words.
#pragma once

#include <string>
#include <vector>

#include "autograd/tools/explorer/what_if.h"

namespace adjoint::exploring {

/// A text for each event of the wrong sweep, with the right numbers beside wrong ones.
std::vector<std::string> wrong_steps(const TapeStory& right, const WhatIf& wrong);

}  // namespace adjoint::exploring
