// Lesson 1: a derivative by hand, by difference, and by tape.
//
// Automatic differentiation takes the derivative of a program. After this lesson you can do it by
// hand, from the last step to the first; check the result by differences; and let the library do
// the work. It takes 15 minutes, and the exercise 10 more. It builds on the chain rule.

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <iostream>

#include "adjoint.h"
#include "examples/lesson.h"

namespace {

using namespace adjoint;
using lesson::claim, lesson::part, lesson::predict, lesson::say;

// A single neuron, y = tanh(w x + b), and its loss, the squared error (y − t)². The input x and the
// target t are given. How does the loss change with the weight w and the bias b?
constexpr double x = 0.7, t = 0.2;

double loss_of(double w, double b) { return std::pow(std::tanh(w * x + b) - t, 2); }

using Gradient = std::vector<double>;  // ∂loss/∂w, ∂loss/∂b

// ---- By hand -----------------------------------------------------------------------------------

// Forward, we compute the loss in small steps. Backward, we take the same steps from the last to
// the first, and find v̄ = ∂loss/∂v for each value v (say "v bar"; in the code v_bar). It is called
// the cotangent of v, or the gradient with respect to v. If a step is r = f(v), then v̄ = r̄ f'(v):
// that is the chain rule, ∂loss/∂v = ∂loss/∂r · ∂r/∂v. So a step needs only its own slope, and r̄.
Gradient by_hand(double w, double b) {
  const double p = w * x, s = p + b;
  const double y = std::tanh(s), d = y - t;  // and the loss is d²

  const double d_bar = 2 * d;                // loss = d²
  const double y_bar = d_bar;                // d = y − t:   slope 1
  const double s_bar = y_bar * (1 - y * y);  // y = tanh s:  slope 1 − tanh² s
  const double p_bar = s_bar;                // s = p + b:   slope 1,
  const double b_bar = s_bar;                //              both for p and for b
  const double w_bar = p_bar * x;            // p = w x:     slope x
  return {w_bar, b_bar};
}

// ---- By difference -----------------------------------------------------------------------------

// The definition of a derivative, stopped before the limit.
double difference(auto f, double v, double h) { return (f(v + h) - f(v - h)) / (2 * h); }

Gradient by_difference(double w, double b, double h) {
  return {difference([b](double v) { return loss_of(v, b); }, w, h),
          difference([w](double v) { return loss_of(w, v); }, b, h)};
}

// One of these two is the planted bug.
Gradient with_h_1e_5(double w, double b) { return by_difference(w, b, 1e-5); }
Gradient with_h_1e_15(double w, double b) { return by_difference(w, b, 1e-15); }

// Prints ∂loss/∂w for h = 10⁻¹ … 10⁻¹⁵, and returns the errors. What is right is known from a table
// of derivatives, without by_hand: tanh' s = 1 / cosh² s.
std::vector<double> error_curve(double w, double b) {
  const double s = w * x + b, exact = 2 * (std::tanh(s) - t) * x / (std::cosh(s) * std::cosh(s));
  std::vector<double> errors;
  for (int n = 1; n <= 15; ++n) {
    const double slope = by_difference(w, b, std::pow(10, -n))[0];
    errors.push_back(std::abs(slope - exact));
    const auto digits = std::size_t(std::clamp(-std::log10(errors.back()), 0.0, 16.0));
    say(text_from("  h = 1e-", std::left, std::setw(4), n, std::fixed, std::setprecision(12), slope,
                  "  ", std::string(digits, '#')));
  }
  return errors;
}

// Prints what the library's check says of a claimed gradient. It looks for the best step itself.
bool accepts(const char* name, Gradient (*claimed)(double w, double b), double w, double b) {
  const auto value = [](std::span<const double> at) { return loss_of(at[0], at[1]); };
  const auto gradient = [=](std::span<const double> at) { return claimed(at[0], at[1]); };
  const auto report = check_gradient(value, gradient, Array<double>{"(w, b)", {2}, {w, b}});
  say(text_from("\n  ", name, ": ", name_of(report.verdict())));
  for (const Finding& f : report.findings)
    say(text_from("    ", f.where, ": claimed ", f.analytic, ", the check finds ", f.numeric,
                  f.cotangent == "value" ? "" : " (both times a random number)"));
  return bool(report);
}

// ---- By tape -----------------------------------------------------------------------------------

// The neuron in the library's type: a Tensor, here of one double (lesson 4 has more).
Tensor number(double value) { return scalar(value, DType::f64); }
Tensor taped_loss(const Tensor& w, const Tensor& b) {
  return pow(tanh(w * number(x) + b) - number(t), 2);
}

void lesson_of_derivatives() {
  const double w = 1.5, b = -0.4;
  say("A neuron, y = tanh(w x + b), and its loss, (y − t)²: the error that is to become small. "
      "Here "
      "x = 0.7, t = 0.2, w = 1.5, b = −0.4. How does the loss change with w and b?");
  part("By hand, checked by difference");
  const Gradient hand = by_hand(w, b), step = with_h_1e_5(w, b);
  claim("∂loss/∂w by hand is that by difference", hand[0], step[0], 1e-9);
  claim("∂loss/∂b by hand is that by difference", hand[1], step[1], 1e-9);
  say("What for? Both are positive, so the loss falls if w and b become a little smaller. Models "
      "learn by many such steps, each against the gradient. This is gradient descent:");
  claim("the loss at w − 0.1 ∂loss/∂w, b − 0.1 ∂loss/∂b is smaller",
        loss_of(w - 0.1 * hand[0], b - 0.1 * hand[1]) < loss_of(w, b));

  part("The step of a difference");
  predict("a derivative is the limit for h → 0. Which h is best: 0.1, 1e-5 or 1e-15?");
  say("∂loss/∂w by difference, with a # for each digit that is right:");
  const std::vector<double> errors = error_curve(w, b);
  claim("h = 1e-5 is right to nine digits", errors[4] < 1e-9);
  claim("h = 1e-15 is not even right to two", errors[14] > 0.01);
  say("Two errors add up. A line through two points of a curve is not its tangent: that error "
      "falls with h². And f(v + h) and f(v - h) agree in ever more of their 16 digits. What "
      "remains of them after the subtraction is rounded: that error grows with 1/h.");

  part("Break it, and repair it");
  say("The library checks three claimed gradients; (w, b)[0] is w, and (w, b)[1] is b:");
  claim("it refuses h = 1e-15", !accepts("h = 1e-15", with_h_1e_15, w, b));
  claim("it accepts h = 1e-5", accepts("h = 1e-5", with_h_1e_5, w, b));
  claim("it accepts the gradient by hand", accepts("by hand", by_hand, w, b));

  part("By tape");
  say("variable() marks a number whose gradient we want. The library then notes each operation on "
      "it. These notes are the tape, each is a node, and the variables themselves are leaves:\n");
  const Tensor weight = variable(number(w), "w"), bias = variable(number(b), "b");
  const Tensor loss = taped_loss(weight, bias);
  print_tape(std::cout, loss);
  say("\nNode %3 is p = w x, with x as a constant; [] says that it is one number. grad() goes from "
      "the last node to the first, as by_hand does. It knows how to get every operation's slope.");
  const Tensors gradients = grad(loss, {weight, bias});
  claim("∂loss/∂w by tape is that by hand", gradients[0].item(), hand[0]);
  claim("∂loss/∂b by tape is that by hand", gradients[1].item(), hand[1]);
  say("Why backward? The chain rule works forward, too: compute ∂v/∂w beside each value v. But "
      "that pass is about w alone, and b needs another. A pass backward is about one result, the "
      "loss, and finds its derivatives by all inputs. A model has one loss and millions of inputs. "
      "Hence reverse-mode automatic differentiation: one pass, for the price of a few runs.");
}

}  // namespace

int main(int argc, char** argv) { return adjoint::lesson::run(argc, argv, lesson_of_derivatives); }

// Break it yourself: in by_hand, change (1 - y * y) to (1 - y). The five claims that name the
// gradient by hand fail, and no other.
// Exercise: put a second neuron behind the first, z = tanh(v y), with the loss (z − t)². Find v̄, w̄
// and b̄ by hand; check them by difference and by tape. (Solution: solutions/01_derivative.cpp.)
