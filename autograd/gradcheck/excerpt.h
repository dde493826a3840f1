// A large operation, at a kink in a few elements. There only single outputs can be judged, of which
// a large operation has too many. So it is checked as a function of those elements alone, and of
// the outputs that they move.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "autograd/gradcheck.h"
#include "autograd/node.h"

namespace adjoint::checking {

/// An element of an input: which input, and where in it.
using Element = std::pair<int, Index>;

/// The report, if the vjp is wrong at these kinks, or at the first of them if they are many. xs are
/// the operation's inputs.
std::optional<GradcheckReport> failure_at_kinks(const Node& operation, const Tensors& xs,
                                                const std::vector<Element>& kinks,
                                                GradcheckOptions options);

}  // namespace adjoint::checking
