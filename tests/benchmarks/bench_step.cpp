// A training step as our programs run it: forward, backward, clipping, Adam, with dropout.
#include <chrono>
#include <functional>

#include "autograd/observer.h"
#include "autograd/support/ambient.h"
#include "autograd/support/threads.h"
#include "autograd/tools/profile.h"
#include "nn/training/trainer.h"
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

// Means over all steps, warm-up included.
void print_profile(const Options& options, const std::function<void()>& step) {
  Profile profile;
  Index steps = 0;
  const auto begin = std::chrono::steady_clock::now();
  {
    const Observing guard(profile);
    measure(options.seconds, [&] {
      step();
      ++steps;
    });
  }
  const std::chrono::duration<double, std::milli> whole = std::chrono::steady_clock::now() - begin;
  const auto of_step = [&](double seconds) { return 1e3 * seconds / static_cast<double>(steps); };
  for (const Profile::Row& row : profile.rows())
    print_json({{"operation", row.operation},
                {"forwards", row.forwards / steps},
                {"forward_ms", of_step(row.forward_seconds)},
                {"vjps", row.vjps / steps},
                {"vjp_ms", of_step(row.vjp_seconds)}});
  print_json({{"config", options.configuration.name},
              {"threads", Index{options.threads}},
              {"mean_ms", whole.count() / static_cast<double>(steps)}});
}

void benchmark(const Options& options) {
  if (options.list) return list(options.every);
  const Configuration& c = options.configuration;
  set_threads(options.threads);
  const FlagGuard formulas(&Ambient::composed, options.composed);

  const nn::Transformer model = make_model(c, options.recomputed);
  nn::Adam adam(parameters(model));
  nn::Trainer trainer(model, adam, {.clip = 1, .packed = options.packed, .key = Key(3)});
  const Batch batch = make_batch(c);
  const auto one = [&] { trainer.step(batch.sources, batch.targets); };
  if (options.profile) return print_profile(options, one);

  const Timing step = measure(options.seconds, one);

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
                        Takes::recomputed, Takes::profile, Takes::list},
                       benchmark);
}
