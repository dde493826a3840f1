#include "examples/experiments/frame/statistics.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <iomanip>
#include <limits>
#include <numeric>
#include <vector>

#include "autograd/support/error.h"

namespace adjoint::experiments {

Interval interval(std::span<const double> values) {
  require(!values.empty(), "a mean of no values");
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  Interval result{mean, mean, mean, std::ssize(values)};
  if (values.size() == 1) {
    result.low = result.high = std::numeric_limits<double>::quiet_NaN();
    return result;
  }
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const double t = boost::math::quantile(boost::math::students_t(n - 1), 0.975);
  const double half = t * std::sqrt(squares / (n - 1) / n);
  result.low = mean - half;
  result.high = mean + half;
  return result;
}

Interval paired_difference(std::span<const double> a, std::span<const double> b) {
  require(a.size() == b.size(), "a paired difference of ", a.size(), " and ", b.size(), " values");
  std::vector<double> differences(a.size());
  std::ranges::transform(a, b, differences.begin(), std::minus());
  return interval(differences);
}

namespace {

// With this many digits behind the point, and no "-0".
std::string fixed(double number, int digits) {
  TextStream text;
  const double unit = std::pow(10.0, -digits);
  text << std::fixed << std::setprecision(std::max(digits, 0))
       << (std::abs(number) < unit / 2 ? 0.0 : std::round(number / unit) * unit);
  return text.str();
}

// The place of a number's first digit: 2 for 100, -1 for 0.1.
int magnitude(double number) {
  return number == 0 ? 0 : static_cast<int>(std::floor(std::log10(std::abs(number))));
}

}  // namespace

std::string words(double number) {
  if (!std::isfinite(number)) return std::isnan(number) ? "NaN" : number > 0 ? "∞" : "−∞";
  if (const int size = magnitude(number); size >= -4) return fixed(number, std::max(2 - size, 0));
  TextStream text;
  text << std::setprecision(2) << number;
  return text.str();
}

std::string words(const Interval& interval) {
  if (!(interval.high > interval.low)) return words(interval.mean);
  // Two digits of the interval's half.
  const int digits = std::clamp(1 - magnitude((interval.high - interval.low) / 2), 0, 6);
  return text_from(fixed(interval.mean, digits), " (", fixed(interval.low, digits), " to ",
                   fixed(interval.high, digits), ")");
}

}  // namespace adjoint::experiments
