#include "tests/benchmarks/measuring.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <iostream>
#include <limits>
#include <vector>

namespace adjoint::benchmarks {
namespace {

using Clock = std::chrono::steady_clock;
double milliseconds(Clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

// Runs for at least that long and that often. Returns the time of each run.
std::vector<double> run_for(double seconds, std::size_t runs, const std::function<void()>& run) {
  std::vector<double> times;
  const auto begin = Clock::now();
  while (milliseconds(Clock::now() - begin) < 1e3 * seconds || times.size() < runs) {
    const auto start = Clock::now();
    run();
    times.push_back(milliseconds(Clock::now() - start));
  }
  return times;
}

}  // namespace

Timing measure(double seconds, const std::function<void()>& run) {
  run_for(seconds / 4, 2, run);
  std::vector<double> times = run_for(seconds, 3, run);
  std::ranges::sort(times);
  return {times[times.size() / 2], times.front()};
}

double peak_memory_mb() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (double kilobytes = 0; word == "VmHWM:" && status >> kilobytes) return kilobytes / 1024;
  return std::numeric_limits<double>::quiet_NaN();
}

void print_json(std::initializer_list<JsonField> fields) {
  const auto print = [](const auto& value) {
    if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string>)
      std::cout << '"' << value << '"';  // names and shapes need no escaping
    else if (std::isfinite(static_cast<double>(value)))
      std::cout << value;
    else
      std::cout << "null";
  };
  const char* separator = "{";
  for (const auto& [name, value] : fields) {
    std::cout << separator << '"' << name << "\": ";
    std::visit(print, value);
    separator = ", ";
  }
  std::cout << '}' << std::endl;
}

}  // namespace adjoint::benchmarks
