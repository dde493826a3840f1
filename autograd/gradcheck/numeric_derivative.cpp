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
constexpr double visible_jump = 0x1p-10;  // of the largest change; less is coarse rounding

}  // namespace

void Ladder::add(double h, double up, double down) {
  // Outside the domain: restart with smaller steps.
  if (!std::isfinite(up) || !std::isfinite(down)) return rungs_.clear();
  const double slope = (up + down) / (2 * h);
  const double change = std::max(std::abs(up), std::abs(down));
  rungs_.push_back({slope, (up - down) / h, change, h, extrapolated(slope)});
}

std::vector<double> Ladder::extrapolated(double slope) const {
  std::vector<double> line = {slope};
  if (rungs_.empty()) return line;
  const std::vector<double>& coarse = last().table;
  double power = 1;
  for (std::size_t k = 0; k < std::min(coarse.size(), most_columns); ++k) {
    power *= 4;
    line.push_back((power * line[k] - coarse[k]) / (power - 1));
  }
  return line;
}

Ladder::Estimate Ladder::best_of_rung(std::size_t j, std::size_t first, double noise) const {
  Estimate best;
  const std::vector<double>&fine = rungs_[j].table, &coarse = rungs_[j - 1].table;
  for (std::size_t k = 1; k < std::min(fine.size(), j - first + 1); ++k) {
    const double truncation =
        std::max(std::abs(fine[k] - fine[k - 1]), std::abs(fine[k] - coarse[k - 1]));
    const double error = truncation + 2 * noise / rungs_[j].h;
    if (error < best.error) best = {fine[k], error};
  }
  return best;
}

// An estimate that the next rung contradicts had its small error by chance.
Ladder::Estimate Ladder::best(double noise) const {
  Estimate best, next;
  const std::size_t first = first_local(noise);
  for (std::size_t j = rungs_.size() - 1; j > first; --j) {
    Estimate here = best_of_rung(j, first, noise);
    const Estimate found = here;
    const double apart = j + 1 < rungs_.size() ? std::abs(here.value - next.value) : 0;
    if (apart > here.error + next.error) here.error = apart;
    if (here.error < best.error) best = here;
    next = found;
  }
  return best;
}

// The rung from which on the gap shrinks.
std::size_t Ladder::first_local(double noise) const {
  std::size_t first = 0;
  double widest = 0;
  for (std::size_t j = 0; j < rungs_.size(); ++j) {
    const double gap = std::abs(rungs_[j].gap);
    if (gap <= far_above_noise * noise / rungs_[j].h || gap < 0.75 * widest) continue;
    first = j;
    widest = std::max(widest, gap);
  }
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

bool Ladder::settled() const {
  if (rungs_.size() < 3 || !gap_closes()) return false;
  // Rounding grows as h shrinks, so an error that is half rounding cannot improve any more.
  const Estimate now = best(noise_);
  return now.error <= precision_goal * std::abs(now.value) || now.error <= 4 * noise_ / last().h;
}

bool Ladder::gap_closes() const {
  const auto closer = [&](std::size_t back) {
    return std::abs(last(back).gap) <= 0.7 * std::abs(last(back + 1).gap);
  };
  const bool all_rounding = std::abs(last().gap) <= 8 * noise_ / last().h;
  return all_rounding || (closer(0) && closer(1));
}

// The number of last rungs whose gap is not far above the noise.
std::size_t Ladder::drowned() const {
  std::size_t back = 0;
  while (back < rungs_.size() && last(back).change <= far_above_noise * noise_) ++back;
  while (back < rungs_.size() &&
         std::abs(last(back).gap) <= far_above_noise * noise_ / last(back).h)
    ++back;
  return back;
}

bool Ladder::is_kink(std::size_t back) const {
  const double gap = last(back).gap;
  for (std::size_t i = 1; i < window; ++i)
    if (std::abs(last(back + i).gap - gap) > 0.2 * std::abs(gap)) return false;
  return true;
}

// A steep slope changes less as the step shrinks; a jump does not even halve over a factor of 16.
bool Ladder::is_jump(std::size_t back) const {
  const double largest = std::ranges::max_element(rungs_, {}, &Rung::change)->change;
  return last(back).change > 0.5 * last(back + window).change &&
         last(back).change > visible_jump * largest;
}

Derivative Ladder::derivative() const {
  using Kind = Derivative::Kind;
  if (rungs_.size() < 3) return {};
  const auto [value, error] = best(full() ? measured_noise() : noise_);
  Derivative result{Kind::smooth, value, error, value, value};

  const std::size_t back = drowned();
  if (full() && back + small_steps <= rungs_.size()) {
    const Rung& clear = last(back);
    if (is_jump(back)) return {Kind::jump, value, clear.change / rungs_[0].h, value, value};
    if (is_kink(back))
      return {Kind::kink, clear.slope, 2 * noise_ / clear.h, clear.slope - clear.gap / 2,
              clear.slope + clear.gap / 2};
  }
  if (!gap_closes()) {
    // All that is known is that the derivative lies between both slopes, where they were closest.
    const auto size = [](const Rung& rung) { return std::abs(rung.gap); };
    result.error += size(*std::ranges::min_element(rungs_, {}, size)) / 2;
  }
  return result;
}

}  // namespace adjoint::checking
