// Looking at the tape.
#pragma once

#include <ostream>
#include <vector>

#include "autograd/operation.h"

namespace adjoint {

/// All nodes that y was computed from, its own included, youngest first: the order of the sweep.
std::vector<NodePtr> tape(const Tensor& y);

/// The tape as text, one line a node in the order of computation:
///   %3 = mul(%1, %2)  [2, 2]  encoder.blocks.0
void print_tape(std::ostream& stream, const Tensor& y);

/// The tape as a Graphviz graph: `dot -Tpng` draws it.
void print_dot(std::ostream& stream, const Tensor& y);

}  // namespace adjoint
