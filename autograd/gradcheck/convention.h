// Kinks inside a function. relu(x) − relu(−x) is x, with the derivative 1. At x = 0 the sweep
// returns 0, because relu takes 0 for its derivative there. Each operation follows its convention,
// and no choice that relu could make would be right for every function. So this is no mistake, but
// it should be known.
#pragma once

#include <set>

#include "autograd/gradcheck/tape_walk.h"

namespace adjoint::checking {

/// Turns the mismatches of this order that conventions explain into findings of that kind, and
/// returns their elements, counted over all real inputs. A mismatch is explained if
/// - each operation on the tape is right by itself, at a kink as well;
/// - the element's gradient depends on what some operation returns at its kink, or a comparison, an
///   argmax or the like is at a tie, as greater(x, 0) is in where(greater(x, 0), x, 0);
/// - f passes, in the same order, at two points beside this one.
std::set<Index> settle_conventions(const Function& f, const Walk& walk, int order,
                                   const GradcheckOptions& options, GradcheckReport& report);

}  // namespace adjoint::checking
