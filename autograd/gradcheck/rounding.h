// How much rounding alone moves what a function and its gradient compute, measured.
#pragma once

#include <set>
#include <vector>

#include "autograd/gradcheck/bounds.h"

namespace adjoint::checking {

struct Rounding {
  Vector values;                  ///< for each cotangent: of ⟨ȳ, f⟩
  std::vector<Vector> gradients;  ///< for each cotangent: of each element of x̄
};

/// Moves the inputs by a few units of rounding and looks how far ⟨ȳ, f⟩ and x̄ move. That includes
/// what cancels inside f, of which its inputs and outputs show nothing: log(exp(x)) − x. Elements
/// in `fixed` stay where they are.
///
/// The noise of the values is at least what a stably computed function has, which is
/// f(x + δx) + δf with |δx| and |δf| a few units of rounding of |x| and |f|; to first order that
/// moves ⟨ȳ, f⟩ by at most ⟨|ȳ|, |δf|⟩ + ⟨|x̄|, |δx|⟩. (Higham, "Accuracy and Stability of Numerical
/// Algorithms", 2002, section 1.5: mixed forward-backward error.)
Rounding measure_rounding(const FlatFunction& f, const Bounds& bounds,
                          const std::vector<Cotangent>& cotangents,
                          const std::vector<Vector>& gradients, const std::set<Index>& fixed,
                          Key key);

}  // namespace adjoint::checking
