// The Taylor test: does the remainder of the tangent fall with the square of the step? It uses no
// tolerance, and shares nothing with the differences that the other checks use but the function.
#pragma once

#include <functional>
#include <optional>
#include <set>

#include "autograd/gradcheck/differentiator.h"

namespace adjoint::checking {

/// Takes options.taylor rates along random directions, which leave out the elements without a
/// derivative and stay inside the domains. A wrong one is a finding if nothing else has failed.
void take_taylor_rates(const Differentiator& both, const std::set<Index>& kinks, int order,
                       const GradcheckOptions& options, GradcheckReport& report);

/// The rate along one line: φ(h) = ⟨ȳ, f(x + hu) − f(x)⟩, its slope by the sweep, the size of
/// slopes along such lines, and the rounding of φ, a lower bound.
struct TangentLine {
  /// Empty where φ has no finite value.
  std::function<std::optional<double>(double h)> change;
  double slope, size, noise;
  double slope_rounding = 0;  ///< of the sweep
};
TaylorRate taylor_rate(const TangentLine& line);

}  // namespace adjoint::checking
