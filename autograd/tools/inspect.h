// Tensors summarised; the tape printed and drawn.
#pragma once

#include <cmath>
#include <ostream>
#include <vector>

#include "autograd/node.h"

namespace adjoint {

struct TapeStory;

/// Computed in f64 over the finite elements; the counts are over all elements. If no element is
/// finite, mean, deviation, least and largest are NaN and the norm is 0. Elements of type b8 count
/// as 0 and 1.
struct Statistics {
  Index count = 0, zeros = 0, nan = 0, infinite = 0;
  double mean = std::nan(""), deviation = mean;  ///< √(Σ (x − mean)² / n), not divided by n − 1
  double least = mean, largest = mean;
  double norm = 0;  ///< √ Σ x²

  bool finite() const { return nan == 0 && infinite == 0; }
};

Statistics statistics(const Tensor& x);

/// All nodes that y was computed from, its own included, youngest first: the order of the sweep.
std::vector<NodePtr> tape(const Tensor& y);

/// The tape as text, a line for each node in the order of computation:
///   %3 = mul(%1, %2)  [2, 2]  encoder.blocks.0
/// Where a node has several outputs, %3.0 and %3.1 tell them apart. A node whose saved values a
/// consuming sweep has dropped says so: it no longer knows its inputs.
void print_tape(std::ostream& stream, const Tensor& y);

/// The tape as a Graphviz graph: `dot -Tpng` draws it. Leaves are gray.
void print_dot(std::ostream& stream, const Tensor& y);
/// The same with the numbers of a sweep: in each box the value and its cotangent, and along each
/// edge the term of the cotangent that the sweep sent back. `print_dot(stream, tape_story(y));`
void print_dot(std::ostream& stream, const TapeStory& story);

}  // namespace adjoint
