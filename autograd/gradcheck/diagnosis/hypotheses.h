// What may be wrong with a derivative, as hypotheses that are tried one after the other: each says
// what the analytic derivative A would be, given the right (numeric) one N, if that mistake had
// been made. The first one that predicts A is the diagnosis.
//
// The order is from simple to complicated, and from what predicts every number to what predicts
// only where the zeros are: a gradient that is twice too large would also pass for one that lacks
// a term, but not the other way round.
#pragma once

#include <optional>
#include <sstream>

#include "autograd/gradcheck/diagnosis/evidence.h"

namespace adjoint::checking {

using Evidences = std::vector<Evidence>;

struct Explanation {
  Diagnosis::Kind kind;
  std::string text;
  double factor = 0;
  bool vague = false;  ///< for want of anything better
};

/// `all` are all inputs, the wrong one among them.
using Hypothesis = std::optional<Explanation> (*)(const Evidence& wrong, const Evidences& all);

template <class... Parts>
std::string text_of(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}

// Those that predict every number (hypotheses.cpp).
std::optional<Explanation> is_zero(const Evidence& wrong, const Evidences& all);
std::optional<Explanation> is_multiple(const Evidence& wrong, const Evidences& all);
std::optional<Explanation> is_imprecise(const Evidence& wrong, const Evidences& all);
std::optional<Explanation> is_of_other_input(const Evidence& wrong, const Evidences& all);
std::optional<Explanation> has_extra_sum(const Evidence& wrong, const Evidences& all);
std::optional<Explanation> lacks_outputs(const Evidence& wrong, const Evidences& all);

// Those that predict every number from the same numbers elsewhere (reordering.cpp).
std::optional<Explanation> is_transposed(const Evidence& wrong, const Evidences& all);
std::optional<Explanation> has_transposed_factor(const Evidence& wrong, const Evidences& all);
std::optional<Explanation> is_shifted(const Evidence& wrong, const Evidences& all);
std::optional<Explanation> is_of_other_example(const Evidence& wrong, const Evidences& all);

// Those that predict where the derivative, or the difference, is zero (structure.cpp).
std::optional<Explanation> has_shifted_part(const Evidence& wrong, const Evidences& all);
std::optional<Explanation> has_wrong_elementwise_mask(const Evidence& wrong, const Evidences& all);
std::optional<Explanation> has_other_ties(const Evidence& wrong, const Evidences& all);
std::optional<Explanation> has_wrong_mask(const Evidence& wrong, const Evidences& all);
std::optional<Explanation> lacks_a_term(const Evidence& wrong, const Evidences& all);

}  // namespace adjoint::checking
