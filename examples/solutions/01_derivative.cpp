// Exercise of lesson 1: put a second neuron behind the first, z = tanh(v y), with the loss
// (z − t)². Find v̄, w̄ and b̄ by hand; check them by difference and by tape.

#include <cmath>

#include "examples/adjoint.h"
#include "examples/lesson.h"

namespace {

using namespace adjoint;
using lesson::claim, lesson::part, lesson::say;

constexpr double x = 0.7, t = 0.2;

double loss_of(double v, double w, double b) {
  return std::pow(std::tanh(v * std::tanh(w * x + b)) - t, 2);
}

struct Gradient {
  double v, w, b;
};

Gradient by_hand(double v, double w, double b) {
  const double y = std::tanh(w * x + b);
  const double z = std::tanh(v * y);

  const double z_bar = 2 * (z - t);          // loss = (z − t)²
  const double q_bar = z_bar * (1 - z * z);  // z = tanh q
  const double v_bar = q_bar * y;            // q = v y: slope y for v,
  const double y_bar = q_bar * v;            //          slope v for y
  const double s_bar = y_bar * (1 - y * y);  // y = tanh s
  return {v_bar, s_bar * x, s_bar};          // s = w x + b
}

template <class F>
double difference(F f, double at) {
  const double h = 1e-5;
  return (f(at + h) - f(at - h)) / (2 * h);
}

Tensor number(double value) { return scalar(value, DType::f64); }

void solution() {
  const double v = 0.8, w = 1.5, b = -0.4;
  const Gradient hand = by_hand(v, w, b);

  part("Two neurons, by difference");
  claim("∂loss/∂v", hand.v, difference([&](double u) { return loss_of(u, w, b); }, v), 1e-9);
  claim("∂loss/∂w", hand.w, difference([&](double u) { return loss_of(v, u, b); }, w), 1e-9);
  claim("∂loss/∂b", hand.b, difference([&](double u) { return loss_of(v, w, u); }, b), 1e-9);

  part("By tape");
  const Tensor tv = variable(number(v), "v"), tw = variable(number(w), "w");
  const Tensor tb = variable(number(b), "b");
  const Tensor y = tanh(tw * number(x) + tb);
  const Tensors gradients = grad(pow(tanh(tv * y) - number(t), 2), {tv, tw, tb});
  claim("∂loss/∂v", gradients[0].item(), hand.v);
  claim("∂loss/∂w", gradients[1].item(), hand.w);
  claim("∂loss/∂b", gradients[2].item(), hand.b);
  say("The first neuron's lines did not change: they only receive another ȳ.");
}

}  // namespace

int main(int argc, char** argv) { return adjoint::lesson::run(argc, argv, solution); }
