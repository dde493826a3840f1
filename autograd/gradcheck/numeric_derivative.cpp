#include "autograd/gradcheck/numeric_derivative.h"

#include <algorithm>
#include <cmath>

namespace adjoint::checking {
namespace {

constexpr std::size_t most_columns = 7;   // of the table; more gain nothing in f64
constexpr std::size_t window = 4;         // rungs that must agree on a kink or a jump
constexpr std::size_t small_steps = 15;   // after so many rungs truncation is negligible
constexpr double precision_goal = 1e-10;  // relative; no mistake in a formula is smaller
constexpr double far_above_noise = 100;   // required before a kink or a jump is declared
constexpr double structure = 1000;        // times the noise: more is no rounding
constexpr double fine_part = 0x1p-12;     // of the largest change: less may be that of f32
constexpr double visible_jump = 0x1p-10;  // of the largest change; less is coarse rounding

}  // namespace

void Ladder::add(double h, double up, double down) {
  if (sides_ == Sides::up) down = up;
  if (sides_ == Sides::down) up = down;
  if (!std::isfinite(up) || !std::isfinite(down)) return rungs_.clear();
  if (full()) return;
  const double slope = (up + down) / (2 * h);
  const double change = std::max(std::abs(up), std::abs(down));
  rungs_.push_back({slope, (up - down) / h, change, h, extrapolated(slope)});
}

std::vector<double> Ladder::extrapolated(double slope) const {
  std::vector<double> line = {slope};
  if (rungs_.empty()) return line;
  const std::vector<double>& coarse = last().table;
  const double base = sides_ == Sides::both ? 4 : 2;  // central differences have even powers of h
  double power = 1;
  for (std::size_t k = 0; k < std::min(coarse.size(), most_columns); ++k) {
    power *= base;
    line.push_back((power * line[k] - coarse[k]) / (power - 1));
  }
  return line;
}

// What rounding alone can make of an entry of the table. Values far from φ(x) are rounded more.
double Ladder::rounding_at(const Rung& rung, double noise) const {
  return (sides_ == Sides::both ? 2 : 9) * (noise + 0x1p-51 * rung.change) / rung.h;
}

Ladder::Estimate Ladder::best_of_rung(std::size_t j, std::size_t first, double noise) const {
  Estimate best;
  const std::vector<double>&fine = rungs_[j].table, &coarse = rungs_[j - 1].table;
  for (std::size_t k = 1; k < std::min(fine.size(), j - first + 1); ++k) {
    const double truncation =
        std::max(std::abs(fine[k] - fine[k - 1]), std::abs(fine[k] - coarse[k - 1]));
    const double error = truncation + rounding_at(rungs_[j], noise);
    if (error < best.error) best = {fine[k], error};
  }
  return best;
}

// An estimate that a later rung contradicts had its small error by chance.
Ladder::Estimate Ladder::best(double noise) const {
  Estimate best;
  std::vector<Estimate> later;
  const std::size_t first = first_local(noise);
  for (std::size_t j = rungs_.size() - 1; j > first; --j) {
    const Estimate found = best_of_rung(j, first, noise);
    Estimate here = found;
    for (const Estimate& other : later) {
      const double apart = std::abs(found.value - other.value);
      if (apart > found.error + other.error) here.error = std::max(here.error, apart);
    }
    if (here.error < best.error) best = here;
    later.push_back(found);
  }
  return best;
}

// The rung from which on the gap shrinks and the slope is of the size that it has at small steps:
// where φ is much steeper at the point than it looks from afar, as 1/x is, large steps see nothing
// of it.
std::size_t Ladder::first_local(double noise) const {
  std::size_t first = 0;
  double widest = 0, steepest = 0;
  for (std::size_t j = 0; j < rungs_.size(); ++j) {
    const double gap = std::abs(rungs_[j].gap);
    if (rungs_[j].change > far_above_noise * noise)
      steepest = std::max(steepest, std::abs(rungs_[j].slope));
    if (gap <= far_above_noise * noise / rungs_[j].h || gap < 0.75 * widest) continue;
    first = j;
    widest = std::max(widest, gap);
  }
  const auto end = rungs_.begin() + static_cast<std::ptrdiff_t>(rungs_.size() - drowned(noise));
  const double at_the_end = end == rungs_.begin() ? 0 : std::abs((end - 1)->slope);
  if (!full() || at_the_end < steepest / 2) return first;
  while (first + 2 < rungs_.size() && std::abs(rungs_[first].slope) < at_the_end / 4) ++first;
  return first;
}

double Ladder::measured_noise() const {
  constexpr std::size_t column = 3;
  double noise = noise_;
  for (std::size_t j = small_steps; j < rungs_.size(); ++j)
    noise = std::max(noise,
                     rungs_[j].h * std::abs(rungs_[j].table[column] - rungs_[j - 1].table[column]));
  return noise;
}

// Whether φ varies much more than rounding does from step to step.
bool Ladder::has_structure(double measured) const {
  const double widest = std::ranges::max_element(rungs_, {}, &Rung::change)->change;
  return measured > structure * noise_ && measured > fine_part * widest;
}

// Whether the smallest steps are fine enough to follow it. If not, the derivative may be as large
// as the steepest slope between two of them.
bool Ladder::resolved() const {
  const std::size_t back = drowned(noise_);
  if (back + 3 > rungs_.size()) return false;
  for (const std::size_t i : {back + 1, back + 2})
    if (std::abs(last(i).slope - last(back).slope) > 0.2 * std::abs(last(back).slope)) return false;
  return true;
}

bool Ladder::settled() const {
  if (rungs_.size() < 3 || !gap_closes()) return false;
  // Rounding grows as h shrinks, so an error that is half rounding cannot improve any more.
  const Estimate now = best(noise_);
  return now.error <= precision_goal * std::abs(now.value) ||
         now.error <= 2 * rounding_at(last(), noise_);
}

bool Ladder::gap_closes() const {
  const auto closer = [&](std::size_t back) {
    return std::abs(last(back).gap) <= 0.7 * std::abs(last(back + 1).gap);
  };
  const bool all_rounding = std::abs(last().gap) <= 8 * noise_ / last().h;
  return all_rounding || (closer(0) && closer(1));
}

// The number of last rungs whose change is not far above the noise.
std::size_t Ladder::drowned(double noise) const {
  std::size_t back = 0;
  while (back < rungs_.size() && last(back).change <= far_above_noise * noise) ++back;
  return back;
}

bool Ladder::is_kink(std::size_t back, double tolerance) const {
  const double gap = last(back).gap;
  for (std::size_t i = 1; i < window; ++i)
    if (std::abs(last(back + i).gap - gap) > tolerance * std::abs(gap)) return false;
  return true;
}

Derivative Ladder::kink_at(const Rung& rung) const {
  return {Derivative::Kind::kink, rung.slope, 2 * noise_ / rung.h,       noise_,
          std::abs(rung.slope),   true,       rung.slope - rung.gap / 2, rung.slope + rung.gap / 2};
}

double Ladder::last_change(double& h) const {
  if (rungs_.size() < 2 || last().change != 0) return 0;
  const auto changed = std::ranges::find_if(rungs_.rbegin(), rungs_.rend(),
                                            [](const Rung& rung) { return rung.change != 0; });
  if (changed == rungs_.rend()) return 0;
  h = changed->h;
  return changed->change;
}

Derivative Ladder::early_kink() const {
  const bool visible = rungs_.size() >= window && sides_ == Sides::both &&
                       std::abs(last().gap) > far_above_noise * noise_ / last().h;
  return visible && is_kink(0, 1e-3) ? kink_at(last()) : Derivative();
}

// A steep slope changes less as the step shrinks; at a jump the change stays what it is. One that
// varies up and down is neither.
bool Ladder::is_jump(std::size_t back) const {
  const double largest = std::ranges::max_element(rungs_, {}, &Rung::change)->change;
  const double height = last(back).change;
  for (std::size_t i = 1; i <= window; ++i)
    if (std::abs(last(back + i).change - height) > 0.05 * height) return false;
  return height > visible_jump * largest;
}

Derivative Ladder::derivative() const {
  using Kind = Derivative::Kind;
  if (rungs_.size() < 3) return {};
  double noise = full() ? measured_noise() : noise_;
  const bool fine_structure = has_structure(noise);
  if (fine_structure) noise = noise_;
  auto [value, error] = best(noise);
  if (fine_structure && !resolved()) {
    const Rung& clear = last(std::min(drowned(noise_), rungs_.size() - 1));
    error = std::max(error, clear.change / clear.h);
  }
  const Rung& first = rungs_[0];
  Derivative result{Kind::smooth,
                    value,
                    error,
                    noise,
                    first.change / first.h,
                    first.change > 10 * noise,
                    value,
                    value,
                    sides_ != Sides::both};
  std::size_t back = drowned(noise_);
  while (back < rungs_.size() &&
         std::abs(last(back).gap) <= far_above_noise * noise_ / last(back).h)
    ++back;
  if (full() && sides_ == Sides::both && back + small_steps <= rungs_.size()) {
    const Rung& clear = last(back);
    if (is_jump(back))
      return {Kind::jump, value, clear.change / rungs_[0].h, noise, result.steepness, true,
              value,      value};
    if (is_kink(back, 0.2)) return kink_at(clear);
  }
  if (!gap_closes()) {
    // All that is known is that the derivative lies between both slopes, where they were closest.
    const auto size = [](const Rung& rung) { return std::abs(rung.gap); };
    result.error += size(*std::ranges::min_element(rungs_, {}, size)) / 2;
  }
  return result;
}

// ---- Differences
// ---------------------------------------------------------------------------------

void Differences::add(double h, double up, double down) {
  interrupted_ |= !std::isfinite(up) || !std::isfinite(down);
  both_.add(h, up, down);
  up_.add(h, up, up);
  down_.add(h, down, down);
}

// Where one side has no values at all, the other decides.
bool Differences::full() const {
  return both_.full() || (both_.empty() && (up_.full() || down_.full()));
}

void Differences::raise_noise(double noise) {
  for (Ladder* ladder : {&both_, &up_, &down_}) ladder->raise_noise(noise);
}

Derivative Differences::derivative() const {
  const Derivative both = both_.derivative();
  if (!interrupted_ ||
      (both.kind != Derivative::Kind::smooth && both.kind != Derivative::Kind::undefined))
    return both;
  const Derivative sides[] = {both, up_.derivative(), down_.derivative()};
  return *std::ranges::min_element(sides, {}, &Derivative::error);
}

}  // namespace adjoint::checking
