// The command lines of the benchmarks.
#pragma once

#include <functional>

#include "tests/benchmarks/configurations.h"

namespace adjoint::benchmarks {

struct Options {
  Configuration configuration;       ///< the one chosen
  std::vector<Configuration> every;  ///< all, each changed as the chosen one is
  int threads = 1;
  double seconds = 2;       ///< of each measurement
  bool packed = false;      ///< compute real rows only
  bool composed = false;    ///< every fused operation replaced by its formula
  bool recomputed = false;  ///< blocks remembered by their inputs alone
  bool profile = false;     ///< each operation's part of the time
  bool list = false;        ///< only print every configuration
};

enum class Takes { configuration, threads, packed, composed, recomputed, profile, list };

/// Runs a benchmark with the options of its command line, of which it takes `--seconds` and those
/// named. The exit code for main: 1 after an error, 2 when the command line is wrong.
int run_benchmark(int argc, const char* const* argv, const std::string& description,
                  std::initializer_list<Takes> takes,
                  const std::function<void(const Options&)>& benchmark);

}  // namespace adjoint::benchmarks
