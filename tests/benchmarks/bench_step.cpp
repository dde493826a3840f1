// One training step as a program of ours does it: forward, backward, clipping, Adam, with dropout.
#include "autograd/ambient.h"
#include "autograd/kernels/parallel.h"
#include "nn/trainer.h"
#include "tests/benchmarks/measuring.h"
#include "tests/benchmarks/options.h"

using namespace adjoint;
using namespace adjoint::benchmarks;

namespace {

void list(const std::vector<Configuration>& all) {
  for (const Configuration& c : all)
    print_json({{"config", c.name},
                {"source_tokens", c.source_tokens},
                {"target_tokens", c.target_tokens},
                {"width", c.width},
                {"hidden", c.hidden},
                {"heads", c.heads},
                {"blocks", c.blocks},
                {"batch", c.batch},
                {"source_length", c.source_length},
                {"target_length", c.target_length},
                {"dropout", c.dropout},
                {"real_target_tokens", target_tokens(make_batch(c))}});
}

void benchmark(const Options& options) {
  if (options.list) return list(options.every);
  const Configuration& c = options.configuration;
  set_threads(options.threads);
  const FlagGuard formulas(&Ambient::composed, options.composed);

  const nn::Transformer model = make_model(c, options.checkpointed);
  nn::Adam adam(parameters(model));
  nn::Trainer trainer(model, adam, {.clip = 1, .packed = options.packed, .key = Key(3)});
  const Batch batch = make_batch(c);
  const Timing step = measure(options.seconds, [&] { trainer.step(batch.sources, batch.targets); });

  const auto tokens = static_cast<double>(target_tokens(batch));
  print_json({{"config", c.name},
              {"threads", Index{options.threads}},
              {"median_ms", step.median_ms},
              {"min_ms", step.min_ms},
              {"peak_mb", peak_memory_mb()},
              {"target_tokens_per_s", 1e3 * tokens / step.median_ms}});
}

}  // namespace

int main(int argc, char** argv) {
  return run_benchmark(argc, argv, "The time of a training step.",
                       {Takes::configuration, Takes::threads, Takes::packed, Takes::composed,
                        Takes::checkpointed, Takes::list},
                       benchmark);
}
