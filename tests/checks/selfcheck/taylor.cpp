#include "tests/checks/selfcheck/taylor.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>

#include "autograd/gradcheck.h"
#include "tests/autograd/ops/samples.h"

namespace adjoint::checks {
namespace {

using testing::Sample;
using Kind = TaylorRate::Kind;

constexpr double usual = 0.05;      // a rate is 2 within this
constexpr double smallest = 1e-12;  // a hundredth of a smaller slope is rounding
constexpr double infinity = std::numeric_limits<double>::infinity();

// The same values, but the sweep multiplies their gradients by the factor.
Tensor scaled(const Tensor& x, double factor) { return factor * x - (factor - 1) * detach(x); }

std::vector<TaylorRate> rates(const Sample& sample, double factor) {
  const Function f = [&](const Tensors& xs) {
    Tensors inputs;
    for (const Tensor& x : xs) inputs.push_back(factor == 1 ? x : scaled(x, factor));
    return Tensors{sample.f(inputs)};
  };
  const GradcheckOptions quick = {
      .elements_up_to = 0, .projections = 1, .coordinates = 0, .walk = false};
  return gradcheck(f, sample.make(Key(20240229)), quick).taylor;
}

struct Row {
  int samples = 0, straight = 0, unexpected = 0;
  double low = infinity, high = -infinity, wrong = -infinity;

  void add(const Sample& sample) {
    for (const TaylorRate& right : rates(sample, 1)) {
      ++samples;
      straight += right.kind == Kind::straight;
      if (right.kind == Kind::right) {
        low = std::min(low, right.rate);
        high = std::max(high, right.rate);
      }
      unexpected += right.kind != Kind::straight && !(std::abs(right.rate - 2) <= usual);
      if (std::abs(right.slope) < smallest) continue;
      for (const TaylorRate& found : rates(sample, 1.01)) {
        wrong = std::max(wrong, found.rate);
        unexpected += found.kind != Kind::wrong;
      }
    }
  }
};

std::string range(double low, double high) {
  if (!(low <= high) || std::isinf(low)) return "";
  char text[40];
  const bool one = std::lround(100 * low) == std::lround(100 * high);
  std::snprintf(text, sizeof text, one ? "%.2f" : "%.2f to %.2f", low, high);
  return text;
}

}  // namespace

bool print_taylor_rates(const std::vector<std::string>& names) {
  std::map<std::string, Row> rows;
  for (const Sample& sample : testing::samples()) {
    const bool chosen = std::ranges::any_of(names, [&](const std::string& name) {
      return sample.operation.find(name) != std::string::npos;
    });
    if (sample.smooth && (names.empty() || chosen)) rows[sample.operation].add(sample);
  }
  int unexpected = 0;
  std::printf(
      "| operation | samples | rate | straight | rate if 1%% wrong |\n|---|---|---|---|---|\n");
  for (const auto& [operation, row] : rows) {
    std::printf("| `%s` | %d | %s | %s | %s |\n", operation.c_str(), row.samples,
                range(row.low, row.high).c_str(),
                row.straight > 0 ? std::to_string(row.straight).c_str() : "",
                range(row.wrong, row.wrong).c_str());
    unexpected += row.unexpected;
  }
  return unexpected == 0;
}

}  // namespace adjoint::checks
