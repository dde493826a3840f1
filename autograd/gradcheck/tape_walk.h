// After a failure: each operation on the tape of the function, checked alone.
#pragma once

#include <map>
#include <vector>

#include "autograd/gradcheck/excerpt.h"

namespace adjoint::checking {

/// The tape that was walked, and what was found on it.
struct Walk {
  TapeWalk summary;
  Tensors xs, ys;  ///< of f, recorded
  /// For each operation whose own inputs are at a kink, by the number of its node: which elements.
  std::map<std::uint64_t, std::vector<Element>> kinks;
};

/// Checks each operation on the tape of f separately, up to the given order. Each runs at the
/// inputs it had and in their types, so a wrong operation can neither hide behind another one nor
/// be blamed for it. An operation that throws when it runs alone counts as wrong.
Walk walk_tape(const Function& f, const Tensors& inputs, int order, Key key);

/// "relu (operation 2 of 5, in layer.0)"
std::string text_of(const Culprit& operation, std::size_t operations);

}  // namespace adjoint::checking
