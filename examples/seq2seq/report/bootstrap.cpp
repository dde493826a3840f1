#include "examples/seq2seq/report/bootstrap.h"

#include <algorithm>
#include <cmath>

namespace adjoint::seq2seq {
namespace {

constexpr int draws = 1000;

double percentile(const std::vector<double>& sorted, double fraction) {
  const double at = fraction * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const double part = at - static_cast<double>(below);
  return sorted[below] + part * (sorted[above] - sorted[below]);
}

}  // namespace

Interval bootstrap(std::size_t count,
                   const std::function<double(std::span<const int> times)>& statistic, Key key) {
  std::vector<int> times(count, 1);
  Interval interval = {.value = statistic(times)};
  std::vector<double> values;
  for (int draw = 0; draw < draws && count > 0; ++draw) {
    std::ranges::fill(times, 0);
    const std::uint64_t stream = key.child(static_cast<std::uint64_t>(draw)).value();
    for (std::size_t i = 0; i < count; ++i) ++times[random_bits(stream, i) % count];
    const double value = statistic(times);
    if (!std::isnan(value)) values.push_back(value);
  }
  std::ranges::sort(values);
  interval.low = values.empty() ? std::nan("") : percentile(values, 0.025);
  interval.high = values.empty() ? std::nan("") : percentile(values, 0.975);
  return interval;
}

}  // namespace adjoint::seq2seq
