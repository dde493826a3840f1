#include "nn/checks/property_report.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <limits>
#include <ostream>

#include "autograd/ops.h"

namespace adjoint::nn {
namespace detail {

std::string number(double value) { return text_from(std::setprecision(3), value); }

double tolerance_for(DType dtype, double given) {
  return given > 0 ? given : dtype == DType::f32 ? 1e-4 : 1e-10;
}

std::vector<double> numbers(const Tensor& x) {
  const Tensor wide = cast(detach(x), DType::f64);
  return {wide.values<double>().begin(), wide.values<double>().end()};
}

Index count(const Tensor& mask) { return std::ranges::count(mask.values<bool>(), true); }

Extreme extreme(const std::vector<double>& xs, const Tensor& mask, double limit) {
  Extreme result;
  for (std::size_t i = 0; i < xs.size(); ++i) {
    if (mask.defined() && !mask.values<bool>()[i]) continue;
    const double size =
        std::isnan(xs[i]) ? std::numeric_limits<double>::infinity() : std::abs(xs[i]);
    result.exceeding += size > limit;
    if (size <= result.size) continue;
    result.size = size;
    result.element = static_cast<Index>(i);
  }
  return result;
}

}  // namespace detail

void PropertyReport::compare(const std::string& name, const Tensor& actual, const Tensor& expected,
                             const std::string& circumstance, double tolerance,
                             const Tensor& mask) {
  using namespace detail;
  require(actual.shape() == expected.shape(), property, ": ", name, " has the shape ",
          actual.shape(), " instead of ", expected.shape(), ' ', circumstance);
  std::vector<double> difference = numbers(actual);
  const std::vector<double> values = numbers(expected);
  double scale = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) scale = std::max(scale, std::abs(values[i]));
    const bool both_nan = std::isnan(values[i]) && std::isnan(difference[i]);
    difference[i] = both_nan || difference[i] == values[i] ? 0 : difference[i] - values[i];
  }
  const Extreme worst = extreme(difference, mask, tolerance_for(actual.dtype(), tolerance) * scale);
  compared += mask.defined() ? count(mask) : actual.numel();
  if (worst.exceeding == 0) return;
  violations.push_back({.where = name + index_text(actual.shape(), worst.element),
                        .what = "differs by " + number(worst.size) + ' ' + circumstance,
                        .size = worst.size,
                        .elements = worst.exceeding});
}

std::ostream& operator<<(std::ostream& stream, const PropertyReport& report) {
  constexpr std::size_t most_lines = 5;
  stream << report.property;
  if (report) return stream << ": holds, " << report.compared << " elements compared";
  std::vector<Violation> worst = report.violations;
  std::ranges::stable_sort(worst, std::ranges::greater(), &Violation::size);
  stream << ": violated in " << worst.size() << (worst.size() == 1 ? " way" : " ways");
  for (std::size_t i = 0; i < std::min(worst.size(), most_lines); ++i) {
    stream << "\n  " << worst[i].where << ' ' << worst[i].what;
    if (worst[i].elements > 1) stream << " (" << worst[i].elements << " elements)";
  }
  if (worst.size() > most_lines) stream << "\n  and in " << worst.size() - most_lines << " more";
  return stream << "\n  usual cause: " << report.cause;
}

}  // namespace adjoint::nn
