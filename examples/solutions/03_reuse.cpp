// Exercise of lesson 3: a third order. Let send() pass on just the term that arrives, every time,
// and drop had_its_turn. The gradients are right. Double a number 20 times (x = x + x) and count
// the calls of send(): why does nobody do it this way?

#include <map>

#include "examples/adjoint.h"
#include "examples/lesson.h"

namespace {

using namespace adjoint;
using lesson::claim, lesson::part, lesson::say;

using Bars = std::map<const Node*, double>;
const Node* node_of(const Tensor& x) { return x.history().node.get(); }

// Follows every path from the result to the leaves. Returns the number of calls.
Index send(const Node* node, double term, Bars& bar) {
  bar[node] += term;
  Index calls = 1;
  for (const SavedInput& input : node->inputs()) calls += send(node_of(input.value), term, bar);
  return calls;
}

Tensor doubled(Tensor x, int times) {
  for (int i = 0; i < times; ++i) x = x + x;
  return x;
}

void solution() {
  const Tensor u = variable(scalar(1, DType::f64), "u");

  part("Every path by itself");
  Bars bar;
  const Index calls = send(node_of(doubled(u, 2)), 1, bar);
  claim("for w = 4 u, ū is", bar[node_of(u)], 4);
  claim("1 call for w, 2 for v, 4 for u", calls == 7);

  part("Twenty doublings");
  bar.clear();
  const Tensor y = doubled(u, 20);
  claim("calls", static_cast<double>(send(node_of(y), 1, bar)), (1 << 21) - 1);
  claim("ū is", bar[node_of(u)], 1 << 20);
  claim("nodes on the tape", static_cast<double>(tape(y).size()), 21);
  say("Each doubling doubles the number of paths. The youngest node first needs 21 visits: each\n"
      "node waits until its bar is complete, and passes it on once.");
}

}  // namespace

int main(int argc, char** argv) { return adjoint::lesson::run(argc, argv, solution); }
