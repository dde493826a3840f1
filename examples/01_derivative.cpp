// Lesson one: a derivative by hand, and the same derivative from the tape.
//
// The function is a single neuron with its squared error: y = tanh(w x + b), loss = (y − t)². The
// input x and the target t are given. How does the loss change with the weight w and the bias b?
//
// The program checks every claim it prints, and fails when one does not hold.

#include <cmath>
#include <cstdio>
#include <iostream>

#include "adjoint.h"

namespace {

using namespace adjoint;

constexpr double x = 0.7, t = 0.2;

// ---- By hand -----------------------------------------------------------------------------------

struct Derivatives {
  double loss;
  double of_w, of_b;  // ∂loss/∂w, ∂loss/∂b
};

// Going forward, we compute the loss in small steps. Going backward, we take the steps in reverse
// and compute v_bar = ∂loss/∂v for each value v. By the chain rule, a step r = f(v) contributes
// r_bar · f'(v) to v_bar.
Derivatives by_hand(double w, double b) {
  const double p = w * x;
  const double s = p + b;
  const double y = std::tanh(s);
  const double d = y - t;
  const double loss = d * d;

  const double loss_bar = 1;                         // ∂loss/∂loss
  const double d_bar = loss_bar * d + loss_bar * d;  // loss = d · d: once for each factor
  const double y_bar = d_bar;                        // d = y − t
  const double s_bar = y_bar * (1 - y * y);          // y = tanh s, tanh' = 1 − tanh²
  const double p_bar = s_bar, b_bar = s_bar;         // s = p + b
  const double w_bar = p_bar * x;                    // p = w · x
  return {loss, w_bar, b_bar};
}

// From loss' = 2 (y − t)(1 − y²) x and y' = (1 − y²) x follows
//   loss'' = 2 x (y' (1 − y²) + (y − t)(−2 y y')) = 2 x² (1 − y²)(1 − y² − 2 y (y − t)).
double second_by_hand(double w, double b) {
  const double y = std::tanh(w * x + b);
  return 2 * x * x * (1 - y * y) * (1 - y * y - 2 * y * (y - t));
}

// The definition of a derivative, with a small step. The error shrinks with step², until the
// difference of two nearly equal numbers drowns in rounding.
template <class F>
double by_difference(F f, double at) {
  const double step = 1e-5;
  return (f(at + step) - f(at - step)) / (2 * step);
}

// ---- From the tape -----------------------------------------------------------------------------

Tensor number(double value) { return scalar(value, DType::f64); }

// The same neuron in tensors. Nothing here mentions derivatives.
Tensor neuron_loss(const Tensor& weight, const Tensor& bias) {
  const Tensor y = tanh(weight * number(x) + bias);
  const Tensor d = y - number(t);
  return d * d;
}

// ---- The lesson --------------------------------------------------------------------------------

bool all_hold = true;

void claim(const char* what, double value, double expected, double tolerance = 1e-12) {
  const bool holds = std::abs(value - expected) <= tolerance * (1 + std::abs(expected));
  all_hold &= holds;
  std::printf("  %15.12f %15.12f  %-5s  %s\n", value, expected, holds ? "ok" : "WRONG", what);
}

void lesson() {
  const double w = 1.5, b = -0.4;
  std::puts("By hand, against finite differences:");
  const Derivatives hand = by_hand(w, b);
  const auto loss_of_w = [&](double v) { return by_hand(v, b).loss; };
  const auto loss_of_b = [&](double v) { return by_hand(w, v).loss; };
  claim("∂loss/∂w", hand.of_w, by_difference(loss_of_w, w), 1e-9);
  claim("∂loss/∂b", hand.of_b, by_difference(loss_of_b, b), 1e-9);

  std::puts("\nThe tape: everything computed from a variable remembers how it was computed.");
  const Tensor weight = variable(number(w), "w"), bias = variable(number(b), "b");
  const Tensor loss = neuron_loss(weight, bias);
  print_tape(std::cout, loss);

  // grad() visits the same nodes, last printed first, and applies their rules as we did by hand.
  std::puts("\nFrom the tape, against by hand:");
  const Tensors gradients = grad(loss, {weight, bias});
  claim("loss", loss.item(), hand.loss);
  claim("∂loss/∂w", gradients[0].item(), hand.of_w);
  claim("∂loss/∂b", gradients[1].item(), hand.of_b);

  std::puts("\nA value that is used twice: its gradient is the sum over both uses.");
  const Tensor d = variable(number(0.3), "d");
  const Tensor left = variable(number(0.3), "left"), right = variable(number(0.3), "right");
  const Tensors uses = grad(left * right, {left, right});
  claim("through the left factor alone", uses[0].item(), 0.3);
  claim("through the right factor alone", uses[1].item(), 0.3);
  claim("through both: ∂(d · d)/∂d = 2 d", grad(d * d, {d})[0].item(), 0.6);

  std::puts("\nThe second derivative: the backward sweep can itself be recorded.");
  const Tensor first = grad(loss, {weight}, {.create_graph = true})[0];
  const double second = grad(first, {weight})[0].item();
  const auto slope_of_w = [&](double v) { return by_hand(v, b).of_w; };
  claim("∂²loss/∂w², against by hand", second, second_by_hand(w, b));
  claim("∂²loss/∂w², against finite differences", second, by_difference(slope_of_w, w), 1e-9);
  claim("∂loss/∂w, asked for again", grad(loss, {weight})[0].item(), hand.of_w);

  std::puts(all_hold ? "\nAll claims hold." : "\nA claim above does not hold.");
}

}  // namespace

int main() {
  lesson();
  require(std::fflush(stdout) == 0 && std::ferror(stdout) == 0,
          "standard output cannot be written");
  return all_hold ? 0 : 1;
}
