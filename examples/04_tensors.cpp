// Lesson 4: tensors: broadcasting, and why gradients are summed back.
//
// After it you can read the shapes on a tape, say which shape each gradient has and why, and write
// the derivative rule of an operation that broadcasts. It takes 18 minutes, and the exercise 10
// more. It builds on lesson 3.

#include <iostream>
#include <sstream>

#include "adjoint.h"
#include "examples/lesson.h"

namespace {

using namespace adjoint;
using lesson::claim, lesson::part, lesson::predict, lesson::say;

Tensor numbers(std::initializer_list<NestedList> list) { return tensor(list, DType::f64); }

// A batch of two examples, with three numbers each.
Tensor batch() { return numbers({{1, 2, 3}, {4, 5, 6}}); }  // [2, 3]

bool same(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && norm(a - b).item() < 1e-12;
}

void what_tensors_are() {
  part("Many numbers in one node");
  const Tensor x = batch();
  say(text_from("x:\n", x));
  say("\nIts shape is [2, 3], so its rank is 2: axis 0 has 2 rows, axis 1 has 3 columns. Functions "
      "such as tanh act on each element by itself. sum adds elements up, along axes or all of "
      "them:");
  claim("sum(x) is the sum of all", sum(x).item(), 21);
  claim("sum(x, {0}) adds up the rows, along axis 0: [5, 7, 9]",
        same(sum(x, {0}), numbers({5, 7, 9})));
  claim("sum(x, {1}) adds up the columns, along axis 1: [6, 15]",
        same(sum(x, {1}), numbers({6, 15})));
  say("A bias b with the shape [3] may be added to x, and is added to every row:");
  claim("x + [10, 20, 30] is [[11, 22, 33], [14, 25, 36]]",
        same(x + numbers({10, 20, 30}), numbers({{11, 22, 33}, {14, 25, 36}})));
  say("This is broadcasting: shapes are aligned at their last axis, and where a size is missing or "
      "1, the operand is repeated.");
}

// ---- Why a sum ---------------------------------------------------------------------------------

// x + b without broadcasting: the repetition is written out.
Tensor add_written_out(const Tensor& x, const Tensor& b) {
  const Tensor row = reshape(b, {1, 3});  // [1, 3]
  return x + concat({row, row}, 0);       // [2, 3], where row is used twice
}

// What explain(), seen in lesson 3, says of one step of the sweep.
std::string explained_step(const Tensor& y, int step) {
  std::ostringstream story;
  explain(story, y);
  const std::string text = story.str();
  const std::size_t begin = text.find(text_from("  step ", step, ' '));
  return text.substr(begin, text.find("\n\n", begin) - begin);
}

void why_summed() {
  part("Why is the gradient of a bias a sum?");
  const KeepValues keep;  // for explain(), as in lesson 3
  const Tensor x = batch(), b = variable(numbers({0.1, 0.2, 0.3}), "b");
  const Tensor loss = sum(x + b);
  say("The tape of Σ (x + b), with the shape of each result:\n");
  print_tape(std::cout, loss);
  predict("each element of x + b has the slope 1 in the sum. What is b̄, and its shape?");
  claim("b̄ is [2, 2, 2]", same(grad(loss, {b})[0], numbers({2, 2, 2})));
  say("v̄ always has the shape of v: it says for each number in v how the loss changes with it. And "
      "each number in b is used twice, once in each row. So its gradient is the sum of what the "
      "two rows send back, as in lesson 3. explain() says of this step:\n");
  const std::string step = explained_step(loss, 2);
  std::cout << step << '\n';
  claim("ȳ is summed over the rows", step.find("summed over the rows") != step.npos);
  say("The repetition may as well be written out (add_written_out):");
  claim("Σ tanh(x + b) has the same gradient either way",
        same(grad(sum(tanh(x + b)), {b})[0], grad(sum(tanh(add_written_out(x, b))), {b})[0]));

  const Tensor column = variable(numbers({{1}, {2}}), "column");  // [2, 1]
  const Tensor one = variable(scalar(1, DType::f64), "one");      // []
  predict("and the gradient of a column [2, 1] in Σ (x + column)? Of a single number, []?");
  claim("each element of the column was used for 3 columns of x: [[3], [3]]",
        same(grad(sum(x + column), {column})[0], numbers({{3}, {3}})));
  claim("the number was used for all elements", grad(sum(x + one), {one})[0].item(), 6);
}

// ---- The rule by hand --------------------------------------------------------------------------

// The planted bug is in one of two rules for s = x + b. The slope of + is 1, so one takes b̄ = s̄.
// The other remembers that b was repeated along axis 0, and sums along axis 0.
Tensor b_bar_not_summed(const Tensor& s_bar) { return s_bar; }  // [2, 3]
Tensor b_bar(const Tensor& s_bar) { return sum(s_bar, {0}); }   // [3]

// For the loss Σ tanh(x + b), where ȳ is 1 for each element y of the tanh.
Tensor s_bar_of(const Tensor& x, const Tensor& b) {
  const Tensor y = tanh(x + b);  // [2, 3]
  return 1 - y * y;              // [2, 3]
}

// In a larger model, b is the result of an earlier step, here b = 2 c. We come back to b by hand
// and leave the rest of the way, from b to c, to the library: grad(ys, xs, cotangents) starts a
// sweep at the tensors ys with the cotangents ȳ that it is given.
Tensor c_bar(Tensor (*rule)(const Tensor& s_bar), const Tensor& x, const Tensor& c) {
  const Tensor b = 2 * c;
  return grad(Tensors{b}, Tensors{c}, Tensors{rule(s_bar_of(x, b))})[0];
}

void break_and_repair() {
  part("Break it, and repair it");
  const Tensor x = batch(), b = numbers({0.1, 0.2, 0.3});
  say("If b̄ is not summed, nothing stops a step of gradient descent. It broadcasts again:");
  claim("b - 0.1 b̄ is [2, 3]: now each example has a bias of its own",
        (b - 0.1 * b_bar_not_summed(s_bar_of(x, b))).shape() == Shape{2, 3});
  say("But the library asks of every cotangent that it has the shape of its value. Given this b̄, "
      "the sweep from b = 2 c to c does not begin:");
  const Tensor c = variable(numbers({0.05, 0.1, 0.15}), "c");
  const std::string message = lesson::error_of([&] { c_bar(b_bar_not_summed, x, c); });
  say("  " + message);
  claim("the message names both shapes", message.find("has shape [2, 3]") != message.npos &&
                                             message.find("the result [3]") != message.npos);
  claim("summed, c̄ is that of the tape",
        same(c_bar(b_bar, x, c), grad(sum(tanh(x + 2 * c)), {c})[0]));
  say("The rules in autograd/ops/arithmetic.cpp are written as if nothing were ever repeated, and "
      "one function sums back for all of them: sum_to(gradient, shape).");
}

void lesson_of_tensors() {
  what_tensors_are();
  why_summed();
  break_and_repair();
}

}  // namespace

int main(int argc, char** argv) { return adjoint::lesson::run(argc, argv, lesson_of_tensors); }

// Break it yourself: in b_bar, change sum to mean. The shape is right, so nothing is refused, but
// the claim "summed, c̄ is that of the tape" fails.
//
// Exercise: write sum_back(g, shape), which sums g along those axes along which a tensor of that
// shape was repeated; compare it with the library's sum_to(). shape.rank() is the number of axes of
// a Shape, and shape[i] is a size. autograd/ops.h lists the functions; sum() and reshape() are
// enough. Beware: sum(g, {}) adds up all. (Solution: solutions/04_tensors.cpp.)
