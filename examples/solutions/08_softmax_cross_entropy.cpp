// The exercise of lesson 8: with label smoothing the target is 1 − ε at the right class, and ε is
// spread evenly over all of them. What is the gradient now? Walk downhill from logits of 0: where
// do they end, and where would they end without smoothing?
//
// The loss is −Σ q log p with the smoothed target q, and Σ q = 1, so the gradient is p − q. It is 0
// where p = q, that is where the right logit exceeds the others by log(q_right / q_other). Without
// smoothing q_other = 0: the gradient is never 0, and the logits grow without end.

#include <cmath>

#include "examples/adjoint.h"
#include "examples/lesson.h"

namespace {

using namespace adjoint;
using lesson::claim;

constexpr double epsilon = 0.1;
constexpr Index classes = 4;

// Logits after some steps of gradient descent from 0, where class 0 is right.
Tensor descend(double smoothing, int steps) {
  Tensor x = zeros({1, classes}, DType::f64);  // [examples, classes]
  for (int step = 0; step < steps; ++step) {
    const Tensor at = variable(x);
    const Tensor loss = cross_entropy(at, tensor({0}, DType::i64), {.smoothing = smoothing});
    x = x - grad(sum(loss), {at})[0];
  }
  return x;
}

double lead(const Tensor& x) { return x.at({0, 0}) - x.at({0, 1}); }

void solution() {
  const Tensor x = variable(normal({1, classes}, 0, 2, Key(1), DType::f64), "logits");
  const Tensor right = tensor({0}, DType::i64);
  const Tensor q = (1 - epsilon) * one_hot(right, classes, DType::f64) + epsilon / classes;
  const Tensor by_hand = softmax(x) - q;
  const Tensor x_bar = grad(sum(cross_entropy(x, right, {.smoothing = epsilon})), {x})[0];
  claim("the gradient minus (p − q)", max(abs(x_bar - by_hand)).item(), 0);

  const double end = std::log(q.at({0, 0}) / q.at({0, 1}));
  claim("smoothed, the right logit ends ahead by log(q₀ / q₁)", lead(descend(epsilon, 1000)), end,
        1e-6);
  claim("and stays there", lead(descend(epsilon, 10000)), end, 1e-6);
  const double after_1000 = lead(descend(0, 1000)), after_10000 = lead(descend(0, 10000));
  claim("without smoothing its lead still grows after 1000 steps", after_10000 > after_1000 + 1);
}

}  // namespace

int main(int argc, char** argv) { return lesson::run(argc, argv, solution); }
