// Exercise of lesson 12: 64 operations in segments of k, each of which the sweep computes
// again. Which k needs the least memory? 64 / k tensors enter segments, and one segment of k is
// unfolded at a time: 64 / k + k, least at k = √64 = 8.

#include <cmath>

#include "examples/adjoint.h"
#include "examples/lesson.h"

namespace {

using namespace adjoint;
using lesson::claim, lesson::say;

constexpr int operations = 64;
constexpr Index size = 1 << 17;  // 1 MB of numbers in f64

Tensor repeated(const TensorFunction& f, Tensor x, int times) {
  for (int i = 0; i < times; ++i) x = f(x);
  return x;
}

// The most memory in use while the gradient is computed, in MB, and the gradient.
std::pair<double, Tensor> peak(const Tensor& x, int k) {
  const TensorFunction segment = [k](const Tensor& v) {
    return repeated([](const Tensor& u) { return tanh(u); }, v, k);
  };
  const std::size_t before = memory::in_use();
  memory::reset_peak();
  const Tensor y =
      repeated([&](const Tensor& v) { return recomputed(segment, v); }, x, operations / k);
  const Tensor gradient = grad(sum(y), {x}, {.consume = true})[0];
  return {std::round(static_cast<double>(memory::peak() - before) / (8 * size)), gradient};
}

void the_best_segment() {
  const Tensor x = variable(normal({size}, 0, 1, Key(12), DType::f64), "x");
  const auto [least, expected] = peak(x, 8);
  for (const int k : {1, 2, 4, 8, 16, 32, 64}) {
    const auto [megabytes, gradient] = peak(x, k);
    say(text_from("segments of ", k, ": ", megabytes, " MB; 64 / k + k = ", operations / k + k));
    claim("no less than with segments of 8", megabytes >= least);
    claim("the same gradient", gradient.at({0}), expected.at({0}));
  }
  say("In nn, TransformerConfig::recomputed makes each block of a model such a segment.");
}

}  // namespace

int main(int argc, char** argv) { return lesson::run(argc, argv, the_best_segment); }
