// Exercise of lesson 2: add exp(x) and a / b to the tape, and write the logistic function
// eˣ / (1 + eˣ) with them. Its slope is y (1 − y).

#include <cmath>
#include <string>
#include <vector>

#include "examples/lesson.h"

namespace {

using adjoint::lesson::claim, adjoint::lesson::part;

// The tape of lesson 2, with the one operation of it that we need.
struct Input {
  std::size_t index;
  double slope;
};
struct Node {
  double value;
  std::vector<Input> inputs;
};
using Tape = std::vector<Node>;
struct Number {
  Tape* tape;
  std::size_t index;
  double value() const { return (*tape)[index].value; }
};
Number record(Tape& tape, double value, const std::vector<Input>& inputs = {}) {
  tape.push_back({value, inputs});
  return {&tape, tape.size() - 1};
}
Number operator+(Number a, Number b) {
  return record(*a.tape, a.value() + b.value(), {{a.index, 1}, {b.index, 1}});
}
std::vector<double> backward(const Tape& tape, Number y) {
  std::vector<double> bar(tape.size(), 0.0);
  bar[y.index] = 1;
  for (std::size_t i = y.index + 1; i-- > 0;)
    for (const Input& input : tape[i].inputs) bar[input.index] += bar[i] * input.slope;
  return bar;
}

// y = eˣ has the slope eˣ.
Number exp(Number x) {
  const double y = std::exp(x.value());
  return record(*x.tape, y, {{x.index, y}});
}

// y = a / b has the slopes 1 / b and −a / b² = −y / b.
Number operator/(Number a, Number b) {
  const double y = a.value() / b.value();
  return record(*a.tape, y, {{a.index, 1 / b.value()}, {b.index, -y / b.value()}});
}

// The constant 1 is a leaf whose bar nobody asks for.
Number logistic(Number x) {
  const Number e = exp(x), one = record(*x.tape, 1);
  return e / (one + e);
}

void solution() {
  part("The slope of the logistic function is y (1 − y)");
  for (const double at : {-2.0, 0.0, 0.7}) {
    Tape tape;
    const Number x = record(tape, at), y = logistic(x);
    claim("at x = " + std::to_string(at), backward(tape, y)[x.index], y.value() * (1 - y.value()));
  }
}

}  // namespace

int main(int argc, char** argv) { return adjoint::lesson::run(argc, argv, solution); }
