// Exercise of lesson 11: how large may the learning rate of gradient descent be? Along a
// direction of curvature λ, a step of rate η multiplies the error by 1 − η λ, so it must be below
// 2 / λ for the largest λ. Find that eigenvalue of the Hessian with hvp() alone: multiplying by H
// again and again turns any vector towards the direction of largest curvature.

#include "examples/adjoint.h"
#include "examples/lesson.h"

namespace {

using namespace adjoint;
using lesson::claim, lesson::say;

double largest_curvature(const TensorFunction& f, const Tensor& x) {
  Tensor v = normal(x.shape(), 0, 1, Key(1), x.dtype());
  for (int i = 0; i < 200; ++i) {
    v = hvp(f, x, v);
    if (i < 199) v = v / norm(v);
  }
  return norm(v).item();
}

double after_descent(const TensorFunction& f, Tensor x, double rate) {
  for (int step = 0; step < 100; ++step) {
    const Tensor at = variable(x, "x");
    x = detach(at - rate * grad(f(at), {at})[0]);
  }
  return f(x).item();
}

void the_largest_learning_rate() {
  const Tensor a = normal({50, 20}, 0, 1, Key(2), DType::f64);  // [examples, weights]
  const Tensor t = normal({50}, 0, 1, Key(3), DType::f64);
  const TensorFunction loss = [&](const Tensor& w) {
    const Tensor error = matmul(a, w) - t;
    return mean(error * error);
  };
  const Tensor w = zeros({20}, DType::f64);
  const double curvature = largest_curvature(loss, w), start = loss(w).item();
  say(text_from("largest curvature ", curvature, ", largest rate ", 2 / curvature));
  const double stable = after_descent(loss, w, 1.9 / curvature);
  const double unstable = after_descent(loss, w, 2.1 / curvature);
  claim(text_from("a little below, the loss falls from ", start, " to ", stable), stable < start);
  claim(text_from("a little above, it explodes: ", unstable), unstable > 100 * start);
}

}  // namespace

int main(int argc, char** argv) { return lesson::run(argc, argv, the_largest_learning_rate); }
