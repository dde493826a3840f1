#include "autograd/tools/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace adjoint {

Statistics statistics(const Tensor& x) {
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  Statistics s{.count = x.numel(),
               .mean = unknown,
               .deviation = unknown,
               .least = unknown,
               .largest = unknown};
  std::vector<double> finite;
  finite.reserve(static_cast<std::size_t>(x.numel()));
  dispatch(x.dtype(), [&]<class T>() {
    for (const T element : x.values<T>()) {
      const auto value = static_cast<double>(element);
      s.zeros += value == 0;
      s.nan += std::isnan(value);
      s.infinite += std::isinf(value);
      if (std::isfinite(value)) finite.push_back(value);
    }
  });
  if (finite.empty()) return s;
  const auto [least, largest] = std::ranges::minmax(finite);
  s.least = least;
  s.largest = largest;

  // In units of the largest magnitude, so that no sum or square overflows or underflows.
  const double magnitude = std::max(std::abs(least), std::abs(largest));
  const double unit = magnitude == 0 ? 1 : magnitude;
  const auto n = static_cast<double>(finite.size());
  double sum = 0, squares = 0, deviations = 0;
  for (double& value : finite) {
    value /= unit;
    sum += value;
    squares += value * value;
  }
  const double mean = sum / n;
  for (const double value : finite) deviations += (value - mean) * (value - mean);
  s.mean = mean * unit;
  s.deviation = std::sqrt(deviations / n) * unit;
  s.norm = std::sqrt(squares) * unit;
  return s;
}

}  // namespace adjoint
