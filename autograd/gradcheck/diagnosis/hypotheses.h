// Possible mistakes, as hypotheses that are tried one after the other. Each predicts the analytic
// derivative A that its mistake would make of the right (numeric) one N. The first hypothesis that
// predicts A is the diagnosis.
//
// Simple ones come before complicated ones, and those that predict every number before those that
// predict only where zeros are: a gradient that is twice too large would also pass for one that
// lacks a term, but not the reverse.
#pragma once

#include <optional>

#include "autograd/gradcheck/diagnosis/evidence.h"

namespace adjoint::checking {

using Evidences = std::vector<Evidence>;

struct Explanation {
  Diagnosis::Kind kind;
  std::string text;
  double factor = 0;
  bool vague = false;  ///< says little more than that the numbers are wrong
};

/// `all` are all inputs, the wrong one included.
using Hypothesis = std::optional<Explanation>(const Evidence& wrong, const Evidences& all);

// These predict every number (multiples_and_sums.cpp).
Hypothesis is_zero, is_multiple, is_imprecise, is_of_other_input, has_extra_sum, lacks_outputs;
// These predict every number from the same numbers elsewhere (reordering.cpp).
Hypothesis is_transposed, has_transposed_factor, is_shifted, is_of_other_example;
// These predict where the derivative or the difference is zero (zero_pattern.cpp).
Hypothesis has_shifted_part, has_wrong_elementwise_mask, has_other_ties, has_wrong_mask,
    lacks_a_term;

}  // namespace adjoint::checking
