// Times, peak memory, and both as a line of JSON.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <utility>
#include <variant>

#include "autograd/shape.h"

namespace adjoint::benchmarks {

/// The time of a single run: the median, and the minimum, which an idle machine would show.
struct Timing {
  double median_ms, min_ms;
};

/// Warms up with at least two runs, then runs for `seconds`, at least three times.
Timing measure(double seconds, const std::function<void()>& run);

/// Peak memory of this process in MB of 2²⁰ bytes: VmHWM of Linux's /proc/self/status. NaN, printed
/// as null, without that file.
double peak_memory_mb();

/// {"name": value, …} as one line on standard output.
using JsonField = std::pair<const char*, std::variant<double, Index, std::string>>;
void print_json(std::initializer_list<JsonField> fields);

}  // namespace adjoint::benchmarks
