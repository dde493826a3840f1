#include "autograd/gradcheck/taylor.h"

#include <algorithm>
#include <cmath>
#include <iomanip>

#include "autograd/ops.h"

namespace adjoint::checking {
namespace {

using Rate = TaylorRate::Kind;

constexpr double first_step = 0x1p-3;
constexpr std::size_t most_steps = 22;
constexpr std::size_t fewest_steps = 6;     // before anything is concluded
constexpr std::size_t shortest_window = 4;  // quotients of curvatures that must look quadratic
constexpr double slope_goal = 1e-8;         // of the slope, relative to the size of slopes
constexpr double verdict_goal = 1e-4;       // the same, for a verdict: an error of 0.1% is seen
constexpr double unresolved = 1e-2;         // of a change: more is no smooth function
constexpr double clear_of_noise = 100;      // remainders must be so many times larger
constexpr double usual_rate = 0.05;         // a rate is 2 within this
constexpr int attempts = 3;                 // directions, until one shows a rate of 2

// ---- The remainders at h, h/2, h/4, … ----------------------------------------------------------

/// What the steps taken so far say. Where φ is smooth, φ(h) = φ′h + φ″h²/2 + …, so the difference
/// E(h) = φ(2h) − 2φ(h) = φ″h² + … does not depend on φ′: it shows, without any gradient, which
/// steps are small enough (E falls by 4 for each half) and where rounding begins (E falls no more).
/// From two steps in that window follow both parts of R(h) = a h + b h²:
///   a = (4R(h) − R(2h)) / 2h,   b = E(h) / 2h².
class Remainders {
 public:
  explicit Remainders(const TangentLine& line) : line_(line), noise_(line.noise) {}

  void take() {
    double h = first_step;
    for (std::size_t k = 0; k < most_steps && !settled(); ++k, h /= 2) {
      const std::optional<double> change = line_.change(h);
      if (!change) {  // outside the domain: restart with smaller steps
        h_.clear();
        change_.clear();
        continue;
      }
      add(h, *change);
      find_window();
      fit();
    }
  }

  TaylorRate rate() const {
    TaylorRate result{.slope = line_.slope, .slope_error = a_, .uncertainty = uncertainty_};
    result.kind = kind(result.note);
    for (std::size_t k = window_ ? first_ : 0; k <= last_ && k < h_.size(); ++k) {
      const double before = result.steps.empty() ? nan : result.steps.back().remainder;
      const double remainder = std::abs(rest(k));
      result.steps.push_back(
          {h_[k], std::abs(change_[k]), remainder, std::log2(before / remainder)});
    }
    if (result.kind == Rate::right || result.kind == Rate::wrong) result.rate = last_rate();
    return result;
  }

 private:
  double rest(std::size_t k) const { return change_[k] - h_[k] * line_.slope; }
  double bend(std::size_t k) const { return std::abs(change_[k - 1] - 2 * change_[k]); }
  double largest_bend(std::size_t from) const {
    double largest = 0;
    for (std::size_t k = from; k < h_.size(); ++k) largest = std::max(largest, bend(k));
    return largest;
  }
  double size() const { return std::max(line_.size, std::abs(b_)); }
  // Whether what neither part explains is small beside what φ does.
  bool resolved() const {
    return noise_ <= 8 * line_.noise || noise_ <= unresolved * std::abs(change_[first_]);
  }
  bool significant() const {
    return resolved() && std::abs(a_) > safety * (uncertainty_ + line_.slope_rounding) &&
           std::abs(a_) > smallest_of_interest * size();
  }
  bool is_straight() const {
    return !window_ &&
           (largest_bend(1) <= 8 * line_.noise || uncertainty_ <= verdict_goal * line_.size);
  }
  bool settled() const {
    if (h_.size() < fewest_steps || significant()) return false;
    if (!window_) return largest_bend(1) <= 8 * line_.noise;
    return uncertainty_ <= slope_goal * size();
  }

  void add(double h, double change) {
    h_.push_back(h);
    change_.push_back(change);
  }

  // The last steps whose bends fall about as h² or h³ do; if there are none, those from which on φ
  // is straightest.
  void find_window() {
    window_ = false;
    first_ = 0;
    last_ = h_.size() - 1;
    std::size_t length = 0;
    for (std::size_t k = 2; k < h_.size(); ++k) {
      const double quotient = bend(k - 1) / bend(k);
      const bool falls = quotient > 3.5 && quotient < 9 && bend(k) > 4 * line_.noise;
      length = falls ? length + 1 : 0;
      if (length < shortest_window) continue;
      window_ = true;
      first_ = k - length - 1;
      last_ = k;
    }
    if (!window_) find_straight_part();
    noise_ = std::max(line_.noise, largest_bend(window_ ? last_ + 1 : first_ + 1));
  }

  // Steps that change nothing are too small, where larger ones do.
  void find_straight_part() {
    double least = infinity;
    for (std::size_t k = 0; k + 3 < h_.size(); ++k) {
      const double error = std::max(line_.noise, largest_bend(k + 1)) / h_[k];
      if (error >= least || (change_[k] == 0 && change_[0] != 0)) continue;
      least = error;
      first_ = k;
    }
  }

  void fit() {
    uncertainty_ = infinity;
    const auto slope_error = [&](std::size_t k) {
      return (4 * rest(k) - rest(k - 1)) / (2 * h_[k]);
    };
    for (std::size_t k = first_ + 2; k <= last_; ++k) {
      const double a = slope_error(k), truncation = std::abs(a - slope_error(k - 1));
      const double uncertainty = truncation + 2.5 * noise_ / h_[k];
      if (uncertainty >= uncertainty_) continue;
      uncertainty_ = uncertainty;
      a_ = a;
      b_ = (rest(k - 1) - 2 * rest(k)) / (2 * h_[k] * h_[k]);
      best_ = k;
    }
  }

  Rate kind(std::string& note) const {
    if (h_.size() < fewest_steps) {
      note = "too few steps stay where f has finite values";
    } else if (!resolved()) {
      note = "f is not smooth at the steps tried";
    } else if (significant()) {
      if (!is_kink()) return Rate::wrong;
      note = "the slopes on the two sides of x differ: a kink";
    } else if (is_straight()) {
      return Rate::straight;
    } else if (!window_) {
      note = "f is not smooth at the steps tried";
    } else if (uncertainty_ > verdict_goal * size()) {
      note = "rounding hides the remainder";
    } else {
      return Rate::right;
    }
    return Rate::undecided;
  }

  // At a kink the slope on the other side is another one.
  bool is_kink() const {
    const double h = h_[best_];
    const auto near = line_.change(-h), far = line_.change(-2 * h);
    if (!near || !far) return false;
    const double other = -(4 * *near - *far) / (2 * h) - line_.slope;
    return std::abs(other - a_) > 0.1 * std::abs(a_) + safety * uncertainty_;
  }

  // Over the last steps whose remainders are clear of the noise.
  double last_rate() const {
    std::size_t last = last_;
    while (last > first_ + 1 && std::abs(rest(last)) < clear_of_noise * noise_) --last;
    const std::size_t before = last - std::min<std::size_t>(last - first_, 2);
    return std::log2(std::abs(rest(before) / rest(last))) / static_cast<double>(last - before);
  }

  const TangentLine& line_;
  double noise_;
  Vector h_, change_;
  bool window_ = false;
  std::size_t first_ = 0, last_ = 0;  // of the window
  std::size_t best_ = 0;              // the step of the fit
  double a_ = 0, b_ = 0, uncertainty_ = infinity;
};

// ---- A direction -------------------------------------------------------------------------------

Line choose_direction(const Differentiator& both, const std::set<Index>& kinks, Key key) {
  const Vector random = flatten({normal({both.f.inputs()}, 0, 1, key, DType::f64)});
  Line line;
  for (Index i = 0; i < both.f.inputs(); ++i)
    if (!kinks.contains(i)) line.emplace_back(i, random[at(i)] * both.scales[at(i)]);
  return both.bounds.inside(std::move(line));
}

TangentLine line_along(const Differentiator& both, const Line& direction) {
  TangentLine line{.change = {}, .slope = 0, .size = 0, .noise = both.rounding.values[0]};
  for (const auto& [i, speed] : direction) {
    const double part = both.gradients[0][at(i)] * speed;
    line.slope += part;
    line.slope_rounding += std::abs(both.rounding.gradients[0][at(i)] * speed);
    line.size += part * part;
  }
  line.size = std::sqrt(line.size);
  line.change = [&](double h) -> std::optional<double> {
    Vector x = both.f.point;
    for (const auto& [i, speed] : direction) x[at(i)] += h * speed;
    if (!both.bounds.contain(x)) return std::nullopt;
    const std::optional<Vector> difference = both.change_to(x);
    const double change = difference ? both.cotangents[0](*difference) : nan;
    return std::isfinite(change) ? std::optional(change) : std::nullopt;
  };
  return line;
}

// A remainder along which the second derivative vanishes by chance falls faster than with h². Any
// other direction shows the usual rate then, so a few are tried.
TaylorRate best_rate(const Differentiator& both, const std::set<Index>& kinks, Key key) {
  TaylorRate best;
  const auto rank = [](const TaylorRate& taylor) {
    const double away = taylor.kind == Rate::right ? std::abs(taylor.rate - 2) : infinity;
    return std::pair(taylor.kind == Rate::undecided, away);
  };
  for (std::uint64_t attempt = 0; attempt < attempts; ++attempt) {
    const Line direction = choose_direction(both, kinks, key.child(attempt));
    TaylorRate found = taylor_rate(line_along(both, direction));
    if (attempt == 0 || found.kind == Rate::wrong || rank(found) < rank(best))
      best = std::move(found);
    if (best.kind == Rate::wrong || best.kind == Rate::straight || rank(best).second <= usual_rate)
      break;
  }
  if (best.kind == Rate::right && best.rate > 2 + usual_rate)
    best.note = "the second derivative nearly vanishes along this direction";
  return best;
}

// A slope that the rounding of any number of the size of the inputs or the values may hide. The
// values of higher orders are gradients, in which terms of the size of the cotangent cancel.
double hidden_slope(const Differentiator& both, int order) {
  double number = 0, scale = 0;
  for (const Vector* numbers : {&both.f.point, &both.f.values})
    for (const double value : *numbers)
      if (std::isfinite(value)) number = std::max(number, std::abs(value));
  for (const double own : both.scales) scale = std::max(scale, own);
  return (order == 1 ? 0x1p-49 : 0x1p-45) * number * scale;
}

Finding finding(const TaylorRate& taylor, const std::string& cotangent) {
  const double numeric = taylor.slope + taylor.slope_error;
  const double larger = std::max(std::abs(taylor.slope), std::abs(numeric));
  return {.kind = Finding::Kind::mismatch,
          .order = taylor.order,
          .where = taylor.where,
          .cotangent = cotangent,
          .analytic = taylor.slope,
          .numeric = numeric,
          .error = taylor.uncertainty,
          .relative = std::abs(taylor.slope_error) / larger,
          .note = text_from("the Taylor remainder falls with the step to the power ",
                            std::setprecision(3), taylor.rate,
                            ", where a right gradient gives 2: the slope is ", std::setprecision(9),
                            taylor.slope, ", and should be ", numeric)};
}

}  // namespace

TaylorRate taylor_rate(const TangentLine& line) {
  Remainders remainders(line);
  remainders.take();
  return remainders.rate();
}

void take_taylor_rates(const Differentiator& both, const std::set<Index>& kinks, int order,
                       const GradcheckOptions& options, GradcheckReport& report) {
  if (both.f.inputs() == std::ssize(kinks) || both.f.outputs() == 0) return;  // nothing moves
  const Key key = options.key.child(at(order)).child("taylor");
  const double hidden = hidden_slope(both, order);
  for (int k = 0; k < options.taylor; ++k) {
    TaylorRate taylor = best_rate(both, kinks, key.child(at(k)));
    taylor.order = order;
    taylor.where = "along direction " + std::to_string(k + 1);
    if (taylor.kind == Rate::wrong && std::abs(taylor.slope_error) <= hidden) {
      taylor.kind = Rate::undecided;
      taylor.note = "the slope is no more than rounding";
    }
    if (taylor.kind == Rate::wrong && report.verdict() != Verdict::failed)
      report.add(finding(taylor, both.cotangents[0].name));
    report.taylor.push_back(std::move(taylor));
  }
}

}  // namespace adjoint::checking
