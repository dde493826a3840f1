// Which elements at a kink to move together.
#pragma once

#include <map>
#include <vector>

#include "autograd/gradcheck/differentiator.h"

namespace adjoint::checking {

/// Two elements and speeds at which their kinks cancel if they are one and the same, for one of
/// both signs: where f has a term |c₁x₁ + c₂x₂|, the gaps between the one-sided slopes are 2|c₁|
/// and 2|c₂|.
struct KinkPair {
  Index first, second;
  double speed, other_speed;
};

/// All pairs if few elements are at a kink. Otherwise those that are likely to share one: elements
/// of equal value, and elements at the same place of two inputs.
std::vector<KinkPair> pairs_at_kinks(const FlatFunction& f,
                                     const std::map<Index, Slopes>& measured);

/// The groups of at least three elements of one input that have the same value: they may be tied.
std::vector<std::vector<Index>> equal_at_kinks(const FlatFunction& f,
                                               const std::map<Index, Slopes>& measured);

}  // namespace adjoint::checking
