// The floor under a training step: its matrix products alone, on one thread. On n threads the floor
// is the n-th part, the time of n workers that never wait for each other.
#include "tests/benchmarks/measuring.h"
#include "tests/benchmarks/options.h"
#include "tests/benchmarks/products.h"

using namespace adjoint;
using namespace adjoint::benchmarks;

namespace {

void benchmark(const Options& options) {
  const StepProducts products(options.configuration);
  const Timing time = measure(options.seconds, [&] { products.run(); });
  print_json({{"config", options.configuration.name},
              {"median_ms", time.median_ms},
              {"min_ms", time.min_ms},
              {"calls", products.calls()},
              {"gflop", products.flops() / 1e9},
              {"gflop_per_s", products.flops() / time.min_ms / 1e6}});
}

}  // namespace

int main(int argc, char** argv) {
  return run_benchmark(argc, argv, "The time of a training step's matrix products alone.",
                       {Takes::configuration}, benchmark);
}
