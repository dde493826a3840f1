// The dot product test of a jvp that does not come from the vjp under check.
#pragma once

#include <set>

#include "autograd/gradcheck/differentiator.h"

namespace adjoint::checking {

/// Compares options.jvp with the vjp, and both with differences: along a random direction through
/// each input and through all of them, for each cotangent of `both`. Elements without a derivative
/// do not move. What differs is a finding, which says whether the jvp or the vjp is wrong.
void check_dot_products(const Differentiator& both, const std::set<Index>& kinks,
                        const GradcheckOptions& options, GradcheckReport& report);

}  // namespace adjoint::checking
