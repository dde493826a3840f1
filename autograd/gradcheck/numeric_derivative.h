// Numeric differentiation of a function φ of one variable by Ridders' extrapolation of central
// differences. It estimates its own error and recognises points without a derivative.
#pragma once

#include <cstddef>
#include <limits>
#include <vector>

namespace adjoint::checking {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// What the differences say about the derivative at a point.
struct Derivative {
  enum class Kind {
    smooth,
    kink,       ///< the one-sided slopes exist and differ
    jump,       ///< nearby values do not approach the value at the point
    undefined,  ///< no step gave finite values
  };
  Kind kind = Kind::undefined;
  double value = nan;
  double error = infinity;     ///< of truncation and rounding; at a jump, height / largest step
  double left = 0, right = 0;  ///< the one-sided slopes
};

/// Collects the differences at steps h, h/2, h/4, ... With up = φ(x+h) − φ(x) and
/// down = φ(x) − φ(x−h), the central difference D(h) = (up + down) / 2h is φ′ + c₂h² + c₄h⁴ + ...
/// So (4·D(h) − D(2h)) / 3 cancels the term in h², two of those cancel the term in h⁴, and so on.
/// The error of an entry in this table is estimated by its distance from the two it is made of, and
/// the best entry wins. (Ridders, "Accurate computation of F′(x) and F′(x)F″(x)", Advances in
/// Engineering Software 4, 1982.)
///
/// Rounding adds to this truncation error. Values known up to `noise` give a central difference
/// known up to noise / h, and the weights of an entry have absolute values that sum to less than 2.
/// So an entry never counts as better than 2·noise / h, even if it agrees with others by chance. A
/// function may round more coarsely than its type, which only shows after all steps: an
/// extrapolated column then changes at small steps, and the change times h is the real noise.
///
/// The one-sided slopes differ by the gap (up − down) / h. With h it halves where φ is smooth,
/// stays at a kink, and doubles at a jump. While it grows or stays, the steps are too large to
/// resolve φ at the point (a kink nearby, sin(10⁸x)), and their estimates are ignored.
class Ladder {
 public:
  static constexpr std::size_t longest = 30;  ///< h shrinks by a factor of half a billion

  explicit Ladder(double noise) : noise_(noise) {}
  void add(double h, double up, double down);
  /// Whether smaller steps would not help: the estimate is good and the slopes approach each other.
  bool settled() const;
  bool full() const { return rungs_.size() >= longest; }
  Derivative derivative() const;

 private:
  struct Rung {
    double slope;   // central difference
    double gap;     // between the one-sided slopes
    double change;  // of the value, on the side where it is larger
    double h;
    std::vector<double> table;  // slope, then extrapolated once, twice, ...
  };
  struct Estimate {
    double value = 0, error = infinity;
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
