// How long something takes, how much memory the process took, and both as a line of JSON.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <utility>
#include <variant>

#include "autograd/shape.h"

namespace adjoint::benchmarks {

/// Of single runs. The minimum is what the machine can do, the median what one meets.
struct Timing {
  double median_ms, min_ms;
};

/// Warms up, with two runs at least, then runs for so many seconds, three times at least.
Timing measure(double seconds, const std::function<void()>& run);

/// The most memory that this process has held so far, in MB of 2²⁰ bytes: VmHWM of Linux's
/// /proc/self/status. NaN, printed as null, where there is no such file.
double peak_memory_mb();

/// {"name": value, …} as one line on standard output.
using JsonField = std::pair<const char*, std::variant<double, Index, std::string>>;
void print_json(std::initializer_list<JsonField> fields);

}  // namespace adjoint::benchmarks
