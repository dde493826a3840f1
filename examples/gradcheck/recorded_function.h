// Recorded values as a map between vectors: the elements of all real inputs, and those of all real
// outputs.
#pragma once

#include <string>
#include <vector>

#include "autograd/gradcheck/flat_function.h"
#include "autograd/gradcheck/numeric_derivative.h"
#include "examples/gradcheck/recording.h"

namespace adjoint::recorded {

using checking::at;
using checking::Vector;

/// Where an element is.
struct Place {
  int tensor;  ///< among the inputs or the outputs
  Index element;
  std::string name;  ///< "x[1, 2]"
  double unit;       ///< of rounding, for its type
};

/// A direction in which the inputs were moved.
struct Direction {
  Vector u;
  Index single;       ///< the element that moves, or −1 if there are several
  std::string where;  ///< "x[1, 2]", "along direction 3"
  /// Derivatives along a single element are per unit of that element, whatever the length of u.
  double unit() const { return single < 0 ? 1 : u[at(single)]; }
  double speed(std::size_t i) const { return u[i] / unit(); }
};

/// Both derivatives along one direction, with one entry for each cotangent.
struct Slopes {
  Vector analytic;
  std::vector<checking::Derivative> numeric;
  Vector norms;       ///< of the gradient's elements that move
  Vector negligible;  ///< what rounding alone makes of the analytic derivative

  bool any_kink() const;
  double tolerance(std::size_t cotangent) const;
  /// Whether both are equal within the tolerance; at a kink, whether the analytic one lies between
  /// the one-sided slopes.
  bool agree(std::size_t cotangent) const;
};

struct RecordedFunction {
  const Recording& recording;
  std::vector<Place> xs, ys;
  Vector point, values;
  /// If there is one for each output element alone, those come last and in order.
  std::vector<checking::Cotangent> cotangents;
  std::vector<Vector> gradients;  ///< for each cotangent
  std::vector<Direction> directions;
  bool jacobian = false;  ///< whether each output element has a cotangent of its own

  explicit RecordedFunction(const Recording& recording);

  /// Whether some input or output is f32.
  bool single_precision() const;
  /// Both derivatives along direction k, for each cotangent.
  Slopes slopes(std::size_t k) const;
  /// A derivative along direction k that is natural for a function that changes by its own size
  /// while its arguments do.
  double natural_slope(std::size_t k, std::size_t cotangent) const;
  /// How much rounding alone changes ⟨ȳ, f⟩.
  double noise(std::size_t cotangent) const;
  /// Σ |ȳ f| over the elements of one output.
  double part_of_output(std::size_t cotangent, int tensor) const;

 private:
  void choose_cotangents();
  void choose_directions();
  bool measures_noise() const;
  double change(std::size_t cotangent, const Vector& there) const;
  checking::Derivative numeric(std::size_t k, std::size_t cotangent, Slopes so_far) const;

  std::vector<Vector> up_, down_;  // [directions · steps][outputs]
};

}  // namespace adjoint::recorded
