// The command lines of the benchmarks.
#pragma once

#include <functional>

#include "tests/benchmarks/configurations.h"

namespace adjoint::benchmarks {

struct Options {
  Configuration configuration;       ///< the chosen one
  std::vector<Configuration> every;  ///< all of them, with the same changes
  int threads = 1;
  double seconds = 2;       ///< of each measurement
  bool packed = false;      ///< without padding
  bool composed = false;    ///< formulas instead of fused operations
  bool recomputed = false;  ///< blocks keep their inputs only
  bool profile = false;     ///< print the time of each operation
  bool list = false;        ///< only print the configurations
};

enum class Takes { configuration, threads, packed, composed, recomputed, profile, list };

/// Runs a benchmark with the options of its command line: `--seconds` and those in `takes`. Returns
/// the exit code for main: 1 after an error, 2 for a wrong command line.
int run_benchmark(int argc, const char* const* argv, const std::string& description,
                  std::initializer_list<Takes> takes,
                  const std::function<void(const Options&)>& benchmark);

}  // namespace adjoint::benchmarks
