// Means with their uncertainty.
#pragma once

#include <span>
#include <string>

namespace adjoint::experiments {

/// A mean and its 95% confidence interval by Student's t: mean ± t(0.975, n − 1) · s / √n. One
/// value has no interval: low and high are NaN.
struct Interval {
  double mean = 0, low = 0, high = 0;
  std::int64_t runs = 0;

  bool above(double number) const { return low > number; }
  bool below(double number) const { return high < number; }
  /// Whether the interval does not contain 0: a difference beyond chance.
  bool decides() const { return above(0) || below(0); }
};

/// Of at least one value.
Interval interval(std::span<const double> values);
/// Of a[i] − b[i]: run i of both had the same seed, so what the seed does to both cancels. Error
/// unless there are equally many.
Interval paired_difference(std::span<const double> a, std::span<const double> b);

/// "96.3 (95.1 to 97.5)", with as many digits as the interval makes sense of. "96.3" for one value,
/// and for values that are all equal.
std::string words(const Interval& interval);
/// A number with three significant digits: "0.0141", "96.3", "1020".
std::string words(double number);

}  // namespace adjoint::experiments
