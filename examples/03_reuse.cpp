// Lesson 3: values that are used twice: why gradients are added, in which order, and when to zero.
//
// After it you can say why gradients add up, why a sweep takes the youngest node first, and when to
// zero them. It takes 25 minutes, and the exercise 10 more. It builds on lesson 2.

#include <iostream>
#include <map>

#include "adjoint.h"
#include "examples/lesson.h"

namespace {

using namespace adjoint;
using lesson::claim, lesson::part, lesson::predict, lesson::say;

Tensor number(double value) { return scalar(value, DType::f64); }

void why_add() {
  part("Why are gradients added?");
  say("f = left * right, at left = right = 3:");
  const Tensor left = variable(number(3), "left"), right = variable(number(3), "right");
  const Tensors both = grad(left * right, {left, right});
  claim("∂f/∂left", both[0].item(), 3);
  claim("∂f/∂right", both[1].item(), 3);
  predict("f = u * u at u = 3. What is ∂f/∂u?");
  const Tensor u = variable(number(3), "u");
  claim("the sum: u is left and right at once", grad(u * u, {u})[0].item(), 6);
  say("If u grows, both factors grow, and f grows for two reasons. So each use of a value sends "
      "back its term as if it were the only use, and terms that meet are added.");
}

// ---- The order ---------------------------------------------------------------------------------

// w = 4 u, where both u and v are used twice. It is the diamond b = a + a; c = b + b; but
// explain(), below, calls the operands of an addition a and b.
Tensor four_times(const Tensor& u) {
  const Tensor v = u + u;
  return v + v;
}

// Two sweeps of our own over the library's tape. A tensor x knows the node that computed it:
// x.history().node, a NodePtr, which is a shared pointer. Each of a node's inputs(), a SavedInput,
// holds a tensor that went in, as its value. All nodes here are additions, whose slopes are 1: each
// sends to its inputs just what it has received. So the two differ in nothing but the order.
using Bars = std::map<const Node*, double>;  // the cotangent of each node's result
const Node* node_of(const Tensor& x) { return x.history().node.get(); }

// Youngest first, as tape() lists the nodes. (print_tape() prints them the other way round.) A node
// is only used by younger ones, so when its turn comes, all of them have sent their terms.
Bars youngest_first(const Tensor& y) {
  Bars bar = {{node_of(y), 1}};
  for (const NodePtr& node : tape(y))
    for (const SavedInput& input : node->inputs()) bar[node_of(input.value)] += bar[node.get()];
  return bar;
}

// The planted bug: depth first. A node passes on what it has as soon as something arrives, once.
void send(const Node* node, double term, Bars& bar) {
  const bool had_its_turn = bar.contains(node);
  bar[node] += term;
  if (had_its_turn) return;
  for (const SavedInput& input : node->inputs()) send(node_of(input.value), bar[node], bar);
}
Bars depth_first(const Tensor& y) {
  Bars bar;
  send(node_of(y), 1, bar);
  return bar;
}

// Has the library check the ∂w/∂u that a sweep finds at u = 1. (It is the same at every u.)
GradcheckReport check(Bars (*sweep)(const Tensor& y)) {
  const Tensor u = variable(number(1), "u");
  const std::vector<double> found = {sweep(four_times(u))[node_of(u)]};
  const auto value = [](std::span<const double> at) { return four_times(number(at[0])).item(); };
  const auto gradient = [found](std::span<const double>) { return found; };
  return check_gradient(value, gradient, Array<double>{"u", {}, {1.0}});
}

void why_youngest_first() {
  part("Why the youngest node first?");
  say("v = u + u; w = v + v; so w = 4 u. Its tape, the oldest node first:\n");
  const KeepValues keep;  // the tape keeps every value, so that explain() below can print it
  const Tensor u = variable(number(1), "u"), w = four_times(u);
  print_tape(std::cout, w);
  predict("depth first, v passes on the first thing that arrives, and only that. What does u get?");
  claim("depth first, ū comes out as", depth_first(w)[node_of(u)], 2);
  const GradcheckReport wrong = check(depth_first);
  const std::string diagnosis = wrong ? "nothing" : wrong.diagnoses.at(0).text;
  say("The library's check says of this gradient:\n  u: " + diagnosis);
  claim("the check refuses it, and names the factor", diagnosis.starts_with("0.5 ×"));
  say("w sends a 1 to v for each of its two uses. When the first 1 arrives, v has its turn and "
      "sends it to u, twice. When the second 1 arrives, v has had its turn. So v̄ is 2 in the end, "
      "which is right, but u has heard of one half only.");
  claim("youngest first, ū comes out as", youngest_first(w)[node_of(u)], 4);
  claim("the same check accepts it", bool(check(youngest_first)));
  claim("grad() takes the youngest first, too", grad(w, {u})[0].item(), 4);
  say("A node is older than all that is computed from it. So when v is the youngest left, nothing "
      "more can arrive there. (This is a topological order of the graph.)");

  part("The sweep, step by step");
  say("explain() prints what grad() does. For an addition y = a + b, ā and b̄ are what it sends to "
      "its two operands, here to the same value. What uses a value is a consumer of it.");
  predict("in which step does u get its terms, how many, and how large is each?");
  explain(std::cout, w);
}

// ---- Zeroing -----------------------------------------------------------------------------------

void why_zero() {
  part("Why zero the gradients?");
  Tensor p = variable(number(3), "p");
  const Tensor loss = p * p;
  claim("loss = p * p at p = 3: grad() returns", grad(loss, {p})[0].item(), 6);
  claim("and the same once more: nothing has to be zeroed", grad(loss, {p})[0].item(), 6);
  say("PyTorch adds the gradient to a field of the leaf instead, p.grad. For people who are used "
      "to that, backward(y) does so here; p.grad() is the field.");
  predict("loss = p * p is computed twice, with backward(loss) each time. What is p.grad()?");
  backward(p * p);
  backward(p * p);
  claim("6 and 6 have been added", p.grad().item(), 12);
  say("Why add? If a thousand examples are too many at once, one computes the loss of a hundred at "
      "a time and calls backward() for each. In the end p.grad() is the gradient for the thousand. "
      "But only you know when the next thousand begins, so you have to say it.");
  p.clear_grad();
  backward(loss);
  claim("after p.clear_grad() and one more backward(loss)", p.grad().item(), 6);
  say("backward() also frees what the tape has kept. (So does grad() if told to consume the tape.) "
      "A second sweep of that loss is refused:");
  const std::string message = lesson::error_of([&] { backward(loss); });
  say("  " + message);
  claim("the message says why", message.find("already swept by backward()") != message.npos);
}

void lesson_of_reuse() {
  why_add();
  why_youngest_first();
  why_zero();
}

}  // namespace

int main(int argc, char** argv) { return adjoint::lesson::run(argc, argv, lesson_of_reuse); }

// Break it yourself: in youngest_first, change += to =. "youngest first, ū comes out as" fails, and
// so does "the same check accepts it".
// Exercise: let send() pass on just the term that arrives, every time, and drop had_its_turn. The
// gradients are right. Double a number 20 times (x = x + x) and count the calls of send(): why does
// nobody do it this way? (Solution: solutions/03_reuse.cpp.)
