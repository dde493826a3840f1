// Numeric differentiation of a function of one variable: Ridders' extrapolation of central
// differences, with an estimate of the error, and the signs of a point that has no derivative.
#pragma once

#include <cstddef>
#include <limits>
#include <vector>

namespace adjoint::checking {

/// What differences say about the derivative at a point.
struct Derivative {
  enum class Kind {
    smooth,
    kink,       ///< each side has a slope, and they differ
    jump,       ///< the value does not come close to that at the point
    undefined,  ///< no step gave finite values
  };
  Kind kind = Kind::undefined;
  double value = std::numeric_limits<double>::quiet_NaN();
  /// Estimated: truncation and rounding; at a jump, its height over the largest step.
  double error = std::numeric_limits<double>::infinity();
  double left = 0, right = 0;  ///< the slopes on either side
};

/// Collects the differences at steps h, h/2, h/4, ... With up = φ(x+h) − φ(x) and
/// down = φ(x) − φ(x−h), the central difference (up + down) / 2h is φ′ + c₂h² + c₄h⁴ + ..., so two
/// of them, at 2h and h, cancel the term in h²: (4·D(h) − D(2h)) / 3; two of those the term in h⁴,
/// and so on. How far an entry of this table lies from the two it is made of is its error, about;
/// the best entry is taken. (Ridders, "Accurate computation of F′(x) and F′(x)F″(x)", Advances in
/// Engineering Software 4, 1982.)
///
/// To the truncation error so estimated comes rounding: values known up to `noise` give a central
/// difference known up to noise / h, and the weights of an entry of the table have absolute values
/// that add up to less than 2. An entry therefore never counts as better than 2·noise / h, however
/// well it agrees with its neighbours by chance. Only when all steps have been tried is it known
/// how noisy the values really are (a function may round more coarsely than its type): the changes
/// of an extrapolated column at small steps, times h, show it.
///
/// The slopes of both sides differ by the gap (up − down) / h. Where φ is smooth it halves with h;
/// at a kink it stays, at a jump it doubles. While it grows or stays, the steps are still too large
/// to see what φ is like at the point (a kink near by, sin(10⁸)): what they say is not believed.
class Ladder {
 public:
  static constexpr std::size_t longest = 30;  ///< h shrinks by half a billion

  explicit Ladder(double noise) : noise_(noise) {}
  void add(double h, double up, double down);
  /// Whether smaller steps are no use: the estimate is good, and both slopes approach each other.
  bool settled() const;
  bool full() const { return rungs_.size() >= longest; }
  Derivative derivative() const;

 private:
  struct Rung {
    double slope;   // the central difference
    double gap;     // between the slopes of both sides
    double change;  // of the value, on the side where it is larger
    double h;
    std::vector<double> table;  // the line of the table: slope, then extrapolated once, twice, ...
  };
  struct Estimate {
    double value = 0, error = 0;
  };
  const Rung& last(std::size_t back = 0) const { return rungs_[rungs_.size() - 1 - back]; }
  std::vector<double> extrapolated(double slope) const;
  Estimate best_of_rung(std::size_t j, std::size_t first, double noise) const;
  Estimate best(double noise) const;
  std::size_t first_local(double noise) const;
  double measured_noise() const;
  bool gap_closes() const;
  bool is_kink(std::size_t back) const;
  bool is_jump(std::size_t back) const;
  std::size_t drowned() const;

  double noise_;
  std::vector<Rung> rungs_;
};

}  // namespace adjoint::checking
