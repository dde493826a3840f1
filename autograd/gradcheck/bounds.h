// Where the elements of the inputs may be, and the directions in which they may move.
#pragma once

#include <utility>
#include <vector>

#include "autograd/gradcheck/flat_function.h"

namespace adjoint::checking {

/// The elements that move along a line through the inputs, and their speeds.
using Line = std::vector<std::pair<Index, double>>;

/// The domains of the inputs, for each element of the flat vector.
class Bounds {
 public:
  /// Error if there are more domains than inputs, if one is empty, or if the inputs are outside.
  Bounds(const FlatFunction& f, const std::vector<Domain>& domains);

  bool contain(const Vector& x) const;
  /// The distance to the nearer bound; infinite without bounds.
  double room(Index i) const;
  /// Turns the speeds of elements at a bound inward, and keeps the sums over rows of a simplex.
  Line inside(Line line) const;

 private:
  struct Row {  // of a simplex
    Index begin, size;
  };
  const Row* row_of(Index i) const;

  const FlatFunction& f_;
  Vector low_, high_;
  std::vector<Row> rows_;  // ordered
};

}  // namespace adjoint::checking
