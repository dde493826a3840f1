// Numeric differentiation of a function φ of one variable by Ridders' extrapolation of differences.
// It estimates its own error and recognises points without a derivative.
#pragma once

#include <algorithm>
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
  double noise = 0;            ///< in the values, as far as the steps show it
  double steepness = 0;        ///< |change| / h of the largest step
  bool moved = false;          ///< whether that change was larger than the noise
  double left = 0, right = 0;  ///< the one-sided slopes
  bool one_sided = false;      ///< whether φ has values on one side only
};

/// Which differences: (φ(x+h) − φ(x−h)) / 2h, or those of one side.
enum class Sides { both, up, down };

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
///
/// Where φ exists on one side only, up / h or down / h is φ′ + c₁h + c₂h² + ..., extrapolated in
/// the same way. The weights of those entries have absolute values that sum to less than 9.
class Ladder {
 public:
  static constexpr std::size_t longest = 30;  ///< h shrinks by a factor of half a billion

  explicit Ladder(double noise, Sides sides = Sides::both) : noise_(noise), sides_(sides) {}
  /// Values that are not finite are outside the domain of φ: the ladder begins again.
  void add(double h, double up, double down);
  bool empty() const { return rungs_.empty(); }
  /// Whether smaller steps would not help: the estimate is good and the slopes approach each other.
  bool settled() const;
  bool full() const { return rungs_.size() >= longest; }
  Derivative derivative() const;
  double last_change(double& h) const;
  void raise_noise(double noise) { noise_ = std::max(noise_, noise); }
  /// A kink that shows in the last few steps, before all were tried; otherwise `undefined`.
  Derivative early_kink() const;

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
  double rounding_at(const Rung& rung, double noise) const;
  std::size_t first_local(double noise) const;
  double measured_noise() const;
  bool has_structure(double measured) const;
  bool resolved() const;
  bool gap_closes() const;
  Derivative kink_at(const Rung& rung) const;
  bool is_kink(std::size_t back, double tolerance) const;
  bool is_jump(std::size_t back) const;
  std::size_t drowned(double noise) const;

  double noise_;
  Sides sides_;
  std::vector<Rung> rungs_;
};

/// The differences on both sides, and on each side alone for points at the border of a domain.
class Differences {
 public:
  explicit Differences(double noise)
      : both_(noise), up_(noise, Sides::up), down_(noise, Sides::down) {}
  void add(double h, double up, double down);
  bool settled() const { return both_.settled(); }
  bool full() const;
  Derivative derivative() const;
  /// The smallest change at a step, if smaller steps then changed nothing at all; otherwise 0. Its
  /// step goes to `h`. The values may be rounded so coarsely.
  double last_change(double& h) const { return both_.last_change(h); }
  void raise_noise(double noise);
  /// A kink that shows in the last few steps, before all were tried.
  Derivative early_kink() const { return both_.early_kink(); }

 private:
  Ladder both_, up_, down_;
  bool interrupted_ = false;  // whether a step left the domain
};

}  // namespace adjoint::checking
