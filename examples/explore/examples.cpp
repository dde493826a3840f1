#include "examples/explore/examples.h"

#include <algorithm>

namespace adjoint::explore {

std::span<const Example> examples() {
  static const std::vector<Example> all = {
      {.name = "neuron",
       .title = "A neuron",
       .look_for = "Every gradient is a product along the way back: tanh sends its ȳ times 1 − y², "
                   "and the weight w1 gets that times the input x1.",
       .expression = "tanh(w1*x1 + w2*x2 + b)",
       .inputs = {"x1=2", "w1=-3", "x2=0.5", "w2=1", "b=6.88"}},
      {.name = "diamond",
       .title = "The diamond",
       .look_for = "a and b are each used twice. Watch the terms arrive: b sends nothing on before "
                   "both of its own are there, and so a gets 2 + 2 = 4.",
       .expression = "b = a + a; c = b + b; c",
       .inputs = {"a=1"}},
      {.name = "broadcasting",
       .title = "Broadcasting: a bias over rows",
       .look_for =
           "The bias b was added to each of three rows, so its gradient is the sum of three "
           "rows. At the step “vjp of add”, click an element of b̄.",
       .expression = "sum((x @ w + b)^2)",
       .inputs = {"x=[[1,2],[0,-1],[3,1]]", "w=[[1,0.5],[-1,2]]", "b=[0.1,-0.2]"}},
      {.name = "cross-entropy",
       .title = "Softmax with cross-entropy",
       .look_for = "The gradient of the logits is softmax minus 1 at the target, divided by the "
                   "number of rows: each of its rows adds up to 0.",
       .expression = "mean(cross_entropy(x @ w + b, targets))",
       .inputs = {"x=[[1,0.5],[-1,2],[0.3,-0.7]]", "w=[[0.2,-0.4,1],[0.7,0.1,-0.3]]",
                  "b=[0,0.1,-0.1]", "targets=[2,0,1]"}},
      {.name = "attention",
       .title = "One head of attention, with lengths",
       .look_for = "The second example has two keys; what follows them is padding. The padded rows "
                   "of k and v get a gradient of exactly 0, whatever they hold.",
       .expression = "sum(attention(q, k, v, lengths=n)^2)",
       .inputs = {"q=[[[1,0],[0.5,-1]],[[2,1],[0,1]]]",
                  "k=[[[1,1],[0,2],[-1,0.5]],[[1,-1],[0.5,1],[9,9]]]",
                  "v=[[[1,2],[3,4],[0,-1]],[[2,0],[-1,1],[9,9]]]", "n=[3,2]"}},
      {.name = "two-heads",
       .title = "Two heads: whose length?",
       .look_for =
           "The examples have 3 and 1 keys, and each length must hold for both heads of its "
           "example. Press “tile for repeat”: heads then get the length of the other "
           "example, so one misses two keys and one looks at padding.",
       .expression = "sum(attention(q, k, v, heads=2, lengths=n)^2)",
       .inputs = {"q=[[[1,0,0.5,-1]],[[0,1,1,0]]]",
                  "k=[[[1,1,0,1],[0,2,1,0],[-1,0.5,2,1]],[[1,-1,1,0],[9,9,9,9],[9,9,9,9]]]",
                  "v=[[[1,2,0,1],[3,4,-1,0],[0,-1,1,2]],[[2,0,1,1],[9,9,9,9],[9,9,9,9]]]",
                  "n=[3,1]"}},
      {.name = "transformer",
       .title = "One training step of a small Transformer",
       .look_for =
           "From the loss at the bottom the gradients of all weights come back, module by "
           "module. Unfold one with a click; the numbers on its edges are the norms of what "
           "passed. The optimizer then moves each weight against its gradient.",
       .expression = "",
       .inputs = {},
       .build = transformer_loss},
  };
  return all;
}

const Example* find_example(std::string_view name) {
  const auto found = std::ranges::find(examples(), name, &Example::name);
  return found == examples().end() ? nullptr : &*found;
}

}  // namespace adjoint::explore
