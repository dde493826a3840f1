// Lesson 2: a tape of your own, in plain C++ and without the library.
//
// After it you can write reverse-mode autodiff yourself: numbers that note how they were computed,
// and a loop that reads the notes backward. It takes 15 minutes, the exercise 10 more.

#include <cmath>
#include <iostream>
#include <vector>

#include "examples/lesson.h"

namespace {

using adjoint::lesson::claim, adjoint::lesson::part, adjoint::lesson::predict, adjoint::lesson::say;

// ---- The tape ----------------------------------------------------------------------------------

// On the way back, lesson 1 needed two things of each step: which values went into it, and its
// slope with respect to each. So every operation writes these down as it runs.
struct Input {
  std::size_t index;  // the input's place on the tape
  double slope;       // ∂(this value)/∂(the input)
};
struct Node {
  double value;
  std::vector<Input> inputs;  // none for a leaf: it was not computed
};
using Tape = std::vector<Node>;  // in the order of computation

// The number that programs compute with: a place on a tape.
struct Number {
  Tape* tape;
  std::size_t index;
  double value() const { return (*tape)[index].value; }
};

// Writes a node at the end of the tape.
Number record(Tape& tape, double value, const std::vector<Input>& inputs = {}) {
  tape.push_back({value, inputs});
  return {&tape, tape.size() - 1};
}

// ---- Operations: the value, and the slope for each input ---------------------------------------

Number operator+(Number a, Number b) {
  return record(*a.tape, a.value() + b.value(), {{a.index, 1}, {b.index, 1}});
}
Number operator*(Number a, Number b) {
  return record(*a.tape, a.value() * b.value(), {{a.index, b.value()}, {b.index, a.value()}});
}
Number sin(Number x) {
  return record(*x.tape, std::sin(x.value()), {{x.index, std::cos(x.value())}});
}

// ---- Backward ----------------------------------------------------------------------------------

// Returns v̄ = ∂y/∂v for the value v of every node. The loop goes from the youngest node to the
// oldest: when it reaches a node, all that used its value has sent its term.
std::vector<double> backward(const Tape& tape, Number y) {
  std::vector<double> bar(tape.size(), 0.0);
  bar[y.index] = 1;  // ∂y/∂y
  for (std::size_t i = y.index + 1; i-- > 0;)
    for (const Input& input : tape[i].inputs) bar[input.index] += bar[i] * input.slope;
  return bar;
}

// The planted bug: = in place of +=.
std::vector<double> backward_overwriting(const Tape& tape, Number y) {
  std::vector<double> bar(tape.size(), 0.0);
  bar[y.index] = 1;
  for (std::size_t i = y.index + 1; i-- > 0;)
    for (const Input& input : tape[i].inputs) bar[input.index] = bar[i] * input.slope;
  return bar;
}

// ---- A numeric check ---------------------------------------------------------------------------

// Two lines, because C++ may evaluate either side of a + first, and we want to know the order.
Number f(Number a, Number b) {
  const Number product = a * b;
  return product + sin(a);
}
double value_at(double a, double b) {
  Tape tape;
  return f(record(tape, a), record(tape, b)).value();
}

// Compares a backward pass with differences, as in lesson 1. The leaves are nodes 0 and 1.
bool agrees(std::vector<double> (*pass)(const Tape&, Number), double a, double b) {
  Tape tape;
  const Number leaf_a = record(tape, a), leaf_b = record(tape, b);
  const std::vector<double> bar = pass(tape, f(leaf_a, leaf_b));
  const double h = 1e-5, a_bar = (value_at(a + h, b) - value_at(a - h, b)) / (2 * h),
               b_bar = (value_at(a, b + h) - value_at(a, b - h)) / (2 * h);
  std::cout << "  ā: backward " << bar[0] << ", by difference " << a_bar << '\n'
            << "  b̄: backward " << bar[1] << ", by difference " << b_bar << '\n';
  return std::abs(bar[0] - a_bar) < 1e-8 && std::abs(bar[1] - b_bar) < 1e-8;
}

void lesson_of_tapes() {
  part("The tape of f(a, b) = a b + sin a, at a = 2 and b = 3");
  say("Nodes 0 and 1 are the leaves a and b; node 2 is a b, node 3 is sin a, node 4 their sum:");
  Tape tape;
  const Number a = record(tape, 2), b = record(tape, 3), y = f(a, b);
  for (std::size_t i = 0; i < tape.size(); ++i) {
    std::cout << "  node " << i << ": " << tape[i].value;
    for (const Input& x : tape[i].inputs)
      std::cout << "   ∂/∂(node " << x.index << ") = " << x.slope;
    std::cout << '\n';
  }

  part("Backward");
  predict("what are ā = ∂f/∂a and b̄ = ∂f/∂b? Which nodes send something to a, and what?");
  const std::vector<double> bar = backward(tape, y);
  claim("ā is b + cos a: b from node 2, and cos a from node 3", bar[a.index], 3 + std::cos(2));
  claim("b̄ is a", bar[b.index], 2);

  part("Break it: one character");
  predict("let backward have = for +=. Which of ā and b̄ goes wrong, and what does it become?");
  claim("the numeric check refuses it", !agrees(backward_overwriting, 2, 3));
  say("a is used twice. The loop meets node 3 first, which stores cos a, and then node 2, which "
      "overwrites it with b. Why add? If a grows by δ, then a b grows by b δ and sin a by cos(a) "
      "δ. Both are part of the result, which grows by their sum.");

  part("Repair it");
  claim("with += it passes the same check", agrees(backward, 2, 3));

  part("This line of yours is that file of ours");
  say("You have written the core of this library. For later, this is where it has these parts:\n");
  say("  struct Node                class Node               autograd/node.h\n"
      "  record                     apply()                  autograd/apply.h\n"
      "  operator+, operator*       struct Add, struct Mul   autograd/ops/arithmetic.cpp\n"
      "  sin                        struct Sin               autograd/ops/unary.cpp\n"
      "  the outer loop, and +=     Sweep, accumulate()      autograd/grad.cpp\n"
      "  agrees                     gradcheck()              autograd/gradcheck.h");
  say("\nThe library calls the way back the sweep. Its nodes store no slopes: if x is a thousand "
      "numbers and y = sin x their sines, each of y has a slope for each of x. This table of a "
      "million, most of them 0, is the Jacobian. Instead, sin keeps x and has a rule, x̄ = ȳ cos x "
      "for each number. This is ȳ times the table, a vector-Jacobian product: a vjp.");
}

}  // namespace

int main(int argc, char** argv) { return adjoint::lesson::run(argc, argv, lesson_of_tapes); }

// Break it yourself: in sin(), not in the expected value, change std::cos to std::sin. The claims
// "ā is b + cos a" and "with += it passes the same check" fail.
//
// Exercise: add exp(x) and a / b to the tape, and write the logistic function eˣ / (1 + eˣ) with
// them. Its slope is y (1 − y). (Solution: solutions/02_scalar_tape.cpp.)
