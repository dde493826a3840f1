// The tape, printed and drawn.
#pragma once

#include <ostream>
#include <vector>

#include "autograd/node.h"

namespace adjoint {

/// All nodes that y was computed from, its own included, youngest first: the order of the sweep.
std::vector<NodePtr> tape(const Tensor& y);

/// The tape as text, a line for each node in the order of computation:
///   %3 = mul(%1, %2)  [2, 2]  encoder.blocks.0
/// Where a node has several outputs, %3.0 and %3.1 tell them apart. A node whose saved values a
/// consuming sweep has dropped says so: it no longer knows its inputs.
void print_tape(std::ostream& stream, const Tensor& y);

/// The tape as a Graphviz graph: `dot -Tpng` draws it.
void print_dot(std::ostream& stream, const Tensor& y);

}  // namespace adjoint
