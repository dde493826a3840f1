// Single operations on one thread: the overhead of an operation on tiny tensors, and how close each
// comes to the limits of the machine on large ones.
#include <algorithm>
#include <sstream>

#include "autograd/grad.h"
#include "autograd/ops.h"
#include "autograd/support/ambient.h"
#include "autograd/support/threads.h"
#include "nn/training/optimizer.h"
#include "tests/benchmarks/limits.h"
#include "tests/benchmarks/measuring.h"
#include "tests/benchmarks/options.h"

using namespace adjoint;
using namespace adjoint::benchmarks;

namespace {

// ---- The overhead of an operation --------------------------------------------------------------

// A chain of sums, products and tanh in turn.
constexpr Index chain_length = 1000;
Tensor chain(const Tensor& x, const Tensor& w) {
  Tensor y = x;
  for (Index i = 0; i < chain_length; ++i) y = i % 3 == 0 ? y + w : i % 3 == 1 ? y * w : tanh(y);
  return y;
}

void print_chain(const std::string& what, const Shape& shape, const Timing& time) {
  constexpr double to_ns = 1e6 / static_cast<double>(chain_length);
  print_json({{"chain", what},
              {"elements", shape.numel()},
              {"median_ns", time.median_ms * to_ns},
              {"min_ns", time.min_ms * to_ns}});
}

// The time includes freeing the tape.
void measure_chain(const Shape& shape, double seconds) {
  const Tensor x = variable(full(shape, 0.1)), w = variable(full(shape, 0.9));
  print_chain("not recorded", shape, measure(seconds, [&] {
                const NoRecording guard;
                chain(x, w);
              }));
  print_chain("forward", shape, measure(seconds, [&] { chain(x, w); }));
  print_chain("forward and backward", shape, measure(seconds, [&] {
                grad(sum(chain(x, w)), {x, w}, {.consume = true});
              }));
}

// ---- Operations against the limits of the machine ----------------------------------------------

struct Limits {
  double bandwidth, arithmetic;  // bytes and floating point operations a second
};

// The least an operation can do: the bytes that it reads and writes, each counted once, and the
// floating point operations of its matrix products.
struct Demand {
  double bytes = 0, flops = 0;
};

class Comparison {
 public:
  Comparison(Limits limits, double seconds) : limits_(limits), seconds_(seconds) {}

  void run(const std::string& name, const Shape& shape, const std::string& pass, Demand demand,
           const std::function<void()>& f) const {
    const double at_best =
        std::max(demand.bytes / limits_.bandwidth, demand.flops / limits_.arithmetic);
    const bool memory = demand.bytes / limits_.bandwidth == at_best;
    const Timing time = measure(seconds_, f);
    std::ostringstream sizes;
    sizes << shape;
    print_json({{"operation", name},
                {"shape", sizes.str()},
                {"pass", pass},
                {"us", time.min_ms * 1e3},
                {"limit_us", at_best * 1e6},
                {"limit", std::string(memory ? "memory" : "arithmetic")},
                {"percent", 100 * at_best / (time.min_ms / 1e3)}});
  }

  /// Times f(xs) without recording, and then the sweep alone. The shape printed is that of xs[0].
  void both(const std::string& name, const Tensors& xs, Demand forward, Demand backward,
            const std::function<Tensor(const Tensors&)>& f) const {
    const Shape& shape = xs[0].shape();
    run(name, shape, "forward", forward, [&] {
      const NoRecording guard;
      f(xs);
    });
    Tensors leaves;
    for (const Tensor& x : xs) leaves.push_back(variable(x));
    const Tensor y = f(leaves);
    const Tensor g = full(y.shape(), 1);
    run(name, shape, "backward", backward, [&] { grad(Tensors{y}, leaves, Tensors{g}); });
  }

 private:
  Limits limits_;
  double seconds_;
};

Tensor random(const Shape& shape, std::uint64_t key) { return normal(shape, 0, 1, Key(key)); }

// Operations on [rows, width] whose time goes into reading and writing memory.
void measure_passes(const Comparison& compare, Index rows, Index width) {
  const Tensor x = random({rows, width}, 1), z = random({rows, width}, 2);
  const Tensor gain = random({width}, 3), bias = random({width}, 4);
  const double pass = 4.0 * static_cast<double>(x.numel());  // bytes of x
  const auto passes = [&](double count) { return Demand{.bytes = count * pass}; };
  // y = f(x); the backward reads ȳ and x or y, and writes x̄.
  const auto map = [&](const std::string& name, Tensor (*f)(const Tensor&)) {
    compare.both(name, {x}, passes(2), passes(3), [f](const Tensors& xs) { return f(xs[0]); });
  };

  compare.run("add", x.shape(), "forward", passes(3), [&] {
    const NoRecording guard;
    x + z;
  });
  compare.both("mul", {x, z}, passes(3), passes(5),
               [](const Tensors& xs) { return xs[0] * xs[1]; });
  compare.both("add a row", {x, bias}, passes(2), passes(3),
               [](const Tensors& xs) { return xs[0] + xs[1]; });
  map("relu", relu);
  map("exp", exp);
  map("tanh", tanh);
  map("gelu", [](const Tensor& t) { return gelu(t); });
  map("softmax", softmax);
  compare.both("layer_norm", {x, gain, bias}, passes(2), passes(3),
               [](const Tensors& xs) { return layer_norm(xs[0], xs[1], xs[2]); });
  compare.both("dropout", {x}, passes(2), passes(2),
               [](const Tensors& xs) { return dropout(xs[0], 0.1, Key(5)); });
  compare.both("sum over rows", {x}, passes(1), passes(1),
               [](const Tensors& xs) { return sum(xs[0], {0}); });
  compare.both("transpose", {x}, passes(2), passes(2),
               [](const Tensors& xs) { return transpose(xs[0]); });

  const Tensor targets = random_integers({rows}, 0, width, Key(6));
  compare.both("cross_entropy", {x}, passes(1), passes(2),
               [&](const Tensors& xs) { return cross_entropy(xs[0], targets); });
  // As many ids as the table has rows, in random order. The backward writes the table's gradient.
  const Tensor ids = random_integers({rows}, 0, rows, Key(7));
  compare.both("embedding", {x}, passes(2), passes(2),
               [&](const Tensors& xs) { return embedding(ids, xs[0]); });

  const Tensor parameter = variable(copy(x));
  const Tensors gradients{z};
  nn::Adam adam({parameter});
  compare.run("Adam", x.shape(), "step", passes(7), [&] { adam.step(gradients); });
  compare.run("global norm", x.shape(), "step", passes(1), [&] { nn::global_norm(gradients); });
}

// Linear layers and attention, as one of two shards has them in a training step.
void measure_products(const Comparison& compare, const Configuration& c) {
  const auto product = [&](Index rows, Index inputs, Index outputs) {
    const Tensor x = random({rows, inputs}, 1), weight = random({outputs, inputs}, 2);
    const auto m = static_cast<double>(rows), k = static_cast<double>(inputs),
               n = static_cast<double>(outputs);
    const Demand forward{.bytes = 4 * (m * k + k * n + m * n), .flops = 2 * m * n * k};
    const Demand backward{.bytes = 4 * (2 * m * k + 2 * k * n + m * n), .flops = 4 * m * n * k};
    std::ostringstream name;
    name << "linear to " << outputs;
    compare.both(name.str(), {x, weight}, forward, backward,
                 [](const Tensors& xs) { return linear(xs[0], xs[1]); });
  };
  const Index batch = c.batch / 2, rows = batch * c.target_length;
  product(rows, c.width, c.width);
  product(rows, c.width, c.hidden);

  const Shape shape{batch, c.target_length, c.width};
  const auto pattern = std::make_shared<const AttentionPattern>(
      AttentionPattern::whole(batch, c.target_length, c.target_length));
  const AttentionOptions options{.heads = c.heads, .dropout = c.dropout, .key = Key(3)};
  const double bytes = 4.0 * static_cast<double>(shape.numel());
  const double flops = 2.0 * static_cast<double>(shape.numel() * c.target_length);  // of a product
  compare.both("attention, " + std::to_string(c.heads) + " heads",
               {random(shape, 4), random(shape, 5), random(shape, 6)},
               {.bytes = 4 * bytes, .flops = 2 * flops}, {.bytes = 7 * bytes, .flops = 4 * flops},
               [&](const Tensors& xs) { return attention(xs[0], xs[1], xs[2], pattern, options); });
}

void benchmark(const Options& options) {
  set_threads(1);
  measure_chain({8}, options.seconds);
  measure_chain({}, options.seconds);

  const double seconds = options.seconds / 4;  // of each of many
  const double arithmetic = arithmetic_peak(options.seconds);
  constexpr Index width = 128, in_cache = 512, in_memory = 65536;
  for (const Index rows : {in_cache, in_memory}) {
    const double bandwidth =
        memory_bandwidth(static_cast<std::size_t>(rows * width), options.seconds);
    const Limits limits{bandwidth, arithmetic};
    print_json({{"rows", rows},
                {"width", width},
                {"gb_per_s", limits.bandwidth / 1e9},
                {"gflop_per_s", limits.arithmetic / 1e9}});
    measure_passes(Comparison(limits, seconds), rows, width);
    if (rows == in_cache)
      for (const Configuration& c : configurations())
        measure_products(Comparison(limits, seconds), c);
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run_benchmark(argc, argv, "Single operations against the limits of the machine.", {},
                       benchmark);
}
