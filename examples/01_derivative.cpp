// Lesson one: a derivative by hand, and the same derivative by tape.
//
// The function is a single neuron and its squared error. Every claim made here is checked by the
// program itself, which fails when one of them does not hold.

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>

#include "autograd/grad.h"
#include "autograd/ops.h"
#include "autograd/support/error.h"
#include "autograd/tools/inspect.h"

namespace {

using namespace adjoint;

bool all_hold = true;

void section(const char* title) { std::cout << '\n' << title << "\n\n"; }

// One line of a table. Columns are counted in characters: ∂ is one, though it has three bytes.
void row(const std::string& what, const std::string& rest) {
  const auto inner_byte = [](char c) { return (c & 0xC0) == 0x80; };
  const auto width =
      what.size() - static_cast<std::size_t>(std::ranges::count_if(what, inner_byte));
  std::cout << "  " << what << std::string(width < 34 ? 34 - width : 0, ' ') << rest << '\n';
}

// Prints both numbers, and remembers it when they differ.
void claim(const char* what, double value, double expected, double tolerance = 1e-12) {
  const bool holds = std::abs(value - expected) <= tolerance * (1 + std::abs(expected));
  all_hold &= holds;
  std::ostringstream rest;
  rest << std::fixed << std::setprecision(12) << value << "  " << expected
       << (holds ? "  ok" : "  WRONG");
  row(what, rest.str());
}

// The neuron gets x and should answer t: y = tanh(w x + b), loss = (y − t)². We may turn the weight
// w and the bias b, so we ask how the loss answers to those.
constexpr double x = 0.7, t = 0.2;

// ---- By hand -----------------------------------------------------------------------------------

struct Derivatives {
  double loss;
  double of_w, of_b;  // ∂loss/∂w, ∂loss/∂b
};

// Forwards, we compute the loss in small steps. Backwards, we ask at each step, the last one first:
// if this value were a little larger, how much larger would the loss be? The answer for a value v
// is written v_bar = ∂loss/∂v. The chain rule says that a step r = f(v) hands on r_bar · f'(v).
Derivatives by_hand(double w, double b) {
  const double p = w * x;
  const double s = p + b;
  const double y = std::tanh(s);
  const double d = y - t;
  const double loss = d * d;

  const double loss_bar = 1;                  // ∂loss/∂loss
  const double d_bar = loss_bar * d           // loss = d · d: through the left factor,
                       + loss_bar * d;        //   and through the right one
  const double y_bar = d_bar;                 // d = y − t: the slope is 1
  const double s_bar = y_bar * (1 - y * y);   // tanh' = 1 − tanh²
  const double p_bar = s_bar, b_bar = s_bar;  // s = p + b: the slope is 1 for both
  const double w_bar = p_bar * x;             // p = w · x: the slope is x
  return {loss, w_bar, b_bar};
}

// The same sweep once more, on paper: with loss' = 2 (y − t)(1 − y²) x, and y' = (1 − y²) x,
//   loss'' = 2 x (y' (1 − y²) + (y − t)(−2 y y')) = 2 x² (1 − y²)(1 − y² − 2 y (y − t)).
double second_by_hand(double w, double b) {
  const double y = std::tanh(w * x + b);
  return 2 * x * x * (1 - y * y) * (1 - y * y - 2 * y * (y - t));
}

// The slope of a function, by trying: nothing but the definition of a derivative. The error shrinks
// with step², but for a tiny step the difference drowns in rounding.
template <class F>
double by_trying(F f, double at) {
  const double step = 1e-5;
  return (f(at + step) - f(at - step)) / (2 * step);
}

// ---- By tape -----------------------------------------------------------------------------------

Tensor number(double value) { return scalar(value, DType::f64); }

// The same neuron in tensors. Nothing is said about derivatives.
Tensor neuron_loss(const Tensor& weight, const Tensor& bias) {
  const Tensor y = tanh(weight * number(x) + bias);
  const Tensor d = y - number(t);
  return d * d;
}

int lesson() {
  const double w = 1.5, b = -0.4;
  section("By hand: the sweep in plain numbers, against trying it out.");
  const Derivatives hand = by_hand(w, b);
  row("", "by hand         by trying");
  claim("∂loss/∂w", hand.of_w, by_trying([&](double v) { return by_hand(v, b).loss; }, w), 1e-9);
  claim("∂loss/∂b", hand.of_b, by_trying([&](double v) { return by_hand(w, v).loss; }, b), 1e-9);

  section("By tape: a variable leaves a trace in all that is computed from it.");
  const Tensor weight = variable(number(w), "w"), bias = variable(number(b), "b");
  const Tensor loss = neuron_loss(weight, bias);
  print_tape(std::cout, loss);
  std::cout << '\n';

  // grad() walks that list upwards and asks each operation for the rule that we wrote by hand.
  const Tensors gradients = grad(loss, {weight, bias});
  row("", "by tape         by hand");
  claim("loss", loss.item(), hand.loss);
  claim("∂loss/∂w", gradients[0].item(), hand.of_w);
  claim("∂loss/∂b", gradients[1].item(), hand.of_b);

  section("A diamond: d stands on both sides of d · d. What comes back on its two ways adds up.");
  const double difference = std::sqrt(hand.loss);  // y > t here, so it is d
  const Tensor d = variable(number(difference), "d"), left = variable(number(difference), "left"),
               right = variable(number(difference), "right");
  const Tensors ways = grad(left * right, {left, right});
  row("", "by tape         by hand");
  claim("along the left factor alone", ways[0].item(), difference);
  claim("along the right factor alone", ways[1].item(), difference);
  claim("both: ∂(d · d)/∂d = d + d", grad(d * d, {d})[0].item(), 2 * difference);

  section("Twice: a sweep that is recorded is a computation like any other.");
  const Tensor first = grad(loss, {weight}, {.create_graph = true})[0];
  const double second = grad(first, {weight})[0].item();
  const double slope = by_trying([&](double v) { return by_hand(v, b).of_w; }, w);
  row("", "by tape");
  claim("∂²loss/∂w², against by hand", second, second_by_hand(w, b));
  claim("∂²loss/∂w², against by trying", second, slope, 1e-9);
  claim("asked again, the same ∂loss/∂w", grad(loss, {weight})[0].item(), hand.of_w);

  std::cout << (all_hold ? "\nAll of it holds.\n" : "\nSomething above does not hold.\n");
  return all_hold ? 0 : 1;
}

}  // namespace

int main() {
  try {
    const int status = lesson();
    require(std::cout.flush().good(), "standard output: cannot be written");
    return status;
  } catch (const Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
