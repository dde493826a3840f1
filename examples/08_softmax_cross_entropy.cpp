// Lesson 8: softmax and cross-entropy, and why they belong together.
//
// After it you can write a loss for any number of classes, say why frameworks want logits instead
// of probabilities, and find the operation where a NaN arises. It takes about 15 minutes and builds
// on lesson 4 (reductions) and lesson 7 (a loss).

#include <cmath>
#include <iostream>
#include <string>

#include "adjoint.h"
#include "examples/lesson.h"

namespace {

using namespace adjoint;
using lesson::claim, lesson::part, lesson::predict, lesson::say;

// ---- The loss, three times ---------------------------------------------------------------------

// A network for several classes ends in one number for each of them, the logits x. Softmax turns
// them into probabilities, p = exp(x) / Σ exp(x), and the loss is −log p of the right class: the
// cross-entropy. Here x is [examples, classes], and each row of `target` has a 1 at the right class
// and zeros elsewhere.
Tensor of_right_class(const Tensor& x, const Tensor& target) {
  return sum(x * target, {-1});  // [examples, classes] → [examples]
}

// The formulas taken literally. This is the planted bug: in f32, exp(89) is infinite.
Tensor literal(const Tensor& x, const Tensor& target) {
  const Tensor e = exp(x), p = e / sum(e, {-1}, Keep::yes);
  return -log(of_right_class(p, target));
}

// softmax() subtracts the largest x of the row first, which changes nothing: exp(x − m) / Σ exp(x −
// m) is the same quotient. Now nothing overflows, but p can still become 0, and log 0 is −∞.
Tensor in_two_steps(const Tensor& x, const Tensor& target) {
  return -log(of_right_class(softmax(x), target));
}

// Together: −log(exp(x) / Σ exp(x)) = log Σ exp(x) − x. The exp of the right class is gone, and
// log Σ exp(x) = m + log Σ exp(x − m), where that sum is at least 1. No infinity, and no log 0.
Tensor together(const Tensor& x, const Tensor& target) {
  return logsumexp(x, {-1}) - of_right_class(x, target);
}

// ---- The lesson --------------------------------------------------------------------------------

const Tensor class_0 = tensor({{1, 0, 0}});  // the target of one example with three classes

Tensor logits(double a, double b, double c) { return variable(tensor({{a, b, c}}), "logits"); }

using Loss = Tensor (*)(const Tensor& x, const Tensor& target);
Tensor gradient(Loss loss, const Tensor& x) { return grad(sum(loss(x, class_0)), {x})[0]; }

// The error that a DetectAnomaly ends the computation with: while it exists, it looks at each value
// as soon as there is one.
std::string anomaly(Loss loss, const Tensor& x) {
  const DetectAnomaly guard;
  return lesson::error_of([&] { gradient(loss, x); });
}

void the_gradient() {
  part("The gradient");
  predict(
      "The loss is −log p of class 0. Its gradient with respect to the three logits has three "
      "elements. What is their sum?");
  const Tensor x = logits(0.5, -1, 2), x_bar = gradient(together, x), p = softmax(x);
  std::cout << "p         " << p << "\ngradient  " << x_bar << '\n';
  claim("their sum", sum(x_bar).item(), 0, 1e-6);
  claim("the gradient minus (p − target)", max(abs(x_bar - (p - class_0))).item(), 0, 1e-6);
  say("The derivative of log Σ exp(x) is exp(x) / Σ exp(x) = p, and that of −x is −1 at the right "
      "class. So the gradient is p − target: what the network says minus what it should say. Both "
      "sum to 1. (Adding a number to all logits changes nothing, so the gradient has no part in "
      "that direction.)");
  claim("literal() agrees", max(abs(gradient(literal, x) - x_bar)).item(), 0, 1e-6);
  claim("in_two_steps() agrees", max(abs(gradient(in_two_steps, x) - x_bar)).item(), 0, 1e-6);
}

void saturation() {
  part("Why the logarithm?");
  predict(
      "Let the logits be 0, 20, 0: the network is sure, and wrong. Which gradient is larger, that "
      "of "
      "(1 − p₀)² or that of −log p₀? By how much?");
  const auto squared = [](const Tensor& x, const Tensor& target) {
    const Tensor miss = 1 - of_right_class(softmax(x), target);
    return miss * miss;
  };
  const Tensor x = logits(0, 20, 0);
  std::cout << "of the square  " << gradient(squared, x) << "\nof −log p      "
            << gradient(together, x) << '\n';
  claim("the square's is below 1e-7", norm(gradient(squared, x)).item() < 1e-7);
  claim("the logarithm's is above 1", norm(gradient(together, x)).item() > 1);
  say("Where softmax is sure it is flat, and through a flat function no gradient comes back: it is "
      "saturated. Its slope is p₀ (1 − p₀). The slope of the logarithm is 1 / p₀, and p₀ cancels. "
      "That is why a network that is sure and wrong still learns.");
}

void break_and_repair() {
  part("Break: the formulas taken literally");
  predict("In f32, what is literal() of the logits 100, 0, 0?");
  const Tensor large = logits(100, 0, 0), wrong = logits(0, 200, 0);
  claim("it is NaN, from ∞ / ∞", std::isnan(literal(large, class_0).item()));
  say("After one such step every parameter is NaN, and the loss no longer shows where that began. "
      "Under DetectAnomaly the run ends where it begins:");
  const std::string overflow = anomaly(literal, large);
  std::cout << overflow << '\n';
  claim("it names exp and the element",
        overflow.starts_with("anomaly: exp: the forward value is inf at [0, 0]"));
  say("\nsoftmax() mends that, but with logits 0, 200, 0 the logarithm of it fails at the other "
      "end:");
  const std::string underflow = anomaly(in_two_steps, wrong);
  std::cout << underflow << '\n';
  claim("it names log", underflow.starts_with("anomaly: log: the forward value is -inf"));

  part("Repair: logarithm and softmax together");
  claim("no anomaly at 100, 0, 0", anomaly(together, large).empty());
  claim("none at 0, 200, 0", anomaly(together, wrong).empty());
  claim("where the loss is", together(wrong, class_0).item(), 200);
  predict("The loss of 10000, 9990, 0 is 4.54e-5. What does log Σ exp(x) − x give in f32?");
  const Tensor x = logits(10000, 9990, 0);
  const Tensor library = cross_entropy(x, tensor({0}, DType::i64));  // takes the class's number
  claim("it gives 0: two numbers near 10000 cancel", together(x, class_0).item(), 0);
  claim("cross_entropy() keeps the digits", library.item() / 4.53989e-5, 1, 0.01);
  say("It subtracts the largest logit from all others before anything else. Logits go in, never "
      "probabilities: no function can mend a p that has already been rounded.");
}

void lesson_of_cross_entropy() {
  the_gradient();
  saturation();
  break_and_repair();
}

}  // namespace

int main(int argc, char** argv) { return lesson::run(argc, argv, lesson_of_cross_entropy); }

// Break it yourself: in literal(), change exp(x) to exp(x - max(x)) and run again. The claims that
// it is NaN and that exp is named fail, and its gradient is as right as before. Why does max() not
// count?
//
// Exercise: with label smoothing the target is 1 − ε at the right class, and ε is spread evenly
// over all of them (cross_entropy has an option for it). What is the gradient now? Walk downhill
// from logits of 0: where do they end, and where would they end without smoothing? The solution is
// examples/solutions/08_softmax_cross_entropy.cpp.
