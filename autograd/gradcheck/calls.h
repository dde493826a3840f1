// How f and its vjps behave when they are called: more than once, for some inputs only, with
// cotangents of several sizes, with other runs in between. Training does all of this; a check of
// the derivatives alone calls each vjp in one way.
#pragma once

#include <string>
#include <vector>

#include "autograd/gradcheck.h"

namespace adjoint::checking {

/// Adds findings of these kinds:
/// - *side effect*: f or a vjp changes its inputs, a value of the tape or its cotangent; what it
///   returned changes later; it returns something else when it is called again, after a run at
///   other inputs, or when fewer gradients are asked for.
/// - *not linear*: the gradient does not scale with the cotangent, or that of a sum is not the sum.
///
/// Counts allocations too, if asked for. What is random or not finite is left to the caller. False
/// if f changes its inputs: nothing can be measured then.
bool check_calls(const Function& f, const Tensors& xs, const std::vector<std::string>& names,
                 const GradcheckOptions& options, GradcheckReport& report);

}  // namespace adjoint::checking
