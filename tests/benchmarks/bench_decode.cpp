// Greedy decoding: the encoder, then 20 steps of the decoder with a cache, whatever tokens come
// out.
#include "autograd/support/threads.h"
#include "nn/decoding/generation.h"
#include "tests/benchmarks/measuring.h"
#include "tests/benchmarks/options.h"

using namespace adjoint;
using namespace adjoint::benchmarks;

namespace {

constexpr Index steps = 20;

void benchmark(const Options& options) {
  const Configuration& c = options.configuration;
  set_threads(options.threads);
  const nn::Transformer model = make_model(c);
  const std::vector<nn::Ids> sources = make_batch(c).sources;
  const nn::DecodingOptions endless{.end = none, .max_length = steps};  // no token ends a sequence
  const Timing time = measure(options.seconds, [&] { greedy(model, sources, endless); });

  const auto tokens = static_cast<double>(c.batch * steps);
  print_json({{"config", c.name},
              {"batch", c.batch},
              {"threads", Index{options.threads}},
              {"median_ms", time.median_ms},
              {"min_ms", time.min_ms},
              {"peak_mb", peak_memory_mb()},
              {"tokens_per_s", 1e3 * tokens / time.median_ms},
              {"best_tokens_per_s", 1e3 * tokens / time.min_ms}});
}

}  // namespace

int main(int argc, char** argv) {
  return run_benchmark(argc, argv, "The speed of greedy decoding.",
                       {Takes::configuration, Takes::threads}, benchmark);
}
