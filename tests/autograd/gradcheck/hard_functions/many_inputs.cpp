// Too many elements to move each: the checker moves them together, along random directions.
#include <cmath>

#include "tests/autograd/gradcheck/hard_functions/planting.h"

namespace adjoint::testing {
namespace {

constexpr Index many = 100'000;

Tensor vector(Index count = many) { return random64({count}, 1); }
// Every 5,000th element is 0.
Tensor with_some_zeros(Index count = many) {
  Tensor x = vector(count);
  for (Index i = 0; i < count; i += 5'000) x.edit<double>()[static_cast<std::size_t>(i)] = 0;
  return x;
}
Tensor network(const Tensors& x) { return mean(pow(tanh(matmul(x[0], x[1])), 2)); }
Tensors network_inputs() { return {random64({20, 1'000}, 1), 0.03 * random64({1'000, 80}, 2)}; }
Tensor relu_network(const Tensors& x) { return mean(relu(matmul(x[0], x[1]))); }
Tensors network_with_a_zero_row() {
  Tensors inputs = network_inputs();
  std::ranges::fill(inputs[0].edit<double>().first(1'000), 0);
  return inputs;
}
Tensor classifier(const Tensor& logits) {
  return mean(cross_entropy(logits, random_integers({logits.size(0)}, 0, logits.size(1), Key(3))));
}
Tensor logits() { return random64({1'000, 100}, 1); }
// Sizes from 1e-6 to 1e6.
Tensor spread() {
  const Tensor x = vector();
  return x * exp(std::log(10.) * uniform(x.shape(), -6, 6, Key(2), DType::f64));
}
Tensor ids() { return random_integers({50}, 0, 1'000, Key(4)); }
Tensor looked_up(const Tensor& table) { return sum(tanh(gather(table, ids()))); }
Tensor normalised(const Tensors& x) { return layer_norm(x[0], x[1], x[2]); }
Tensors rows() { return {random64({500, 100}, 1), random64({100}, 2), random64({100}, 3)}; }

// abs of 5,000 zeros before something else.
Tensors zeros_and_more() { return {zeros64({5'000}), random64({3}, 1)}; }
Tensor zeros_in_the_middle() {
  return concat({random64({2'000}, 1), zeros64({5'000}), random64({2'000}, 2)}, 0);
}

HardFunctions right() {
  return {
      {"the sum of squares of 1e5", fn([](const Tensor& x) { return sum(x * x); }), {vector()}},
      {"the mean of tanh of 1e5", fn([](const Tensor& x) { return mean(tanh(x)); }), {vector()}},
      {"sin of 20,000, element by element",
       fn([](const Tensor& x) { return sin(x); }),
       {vector(20'000)}},
      {"a tanh network with 1e5 inputs", fn(network), network_inputs()},
      {"relu of 20,000, 4 at 0", fn(relu), {with_some_zeros(20'000)}},
      {"the sum of abs of 1e5, 20 at 0",
       fn([](const Tensor& x) { return sum(abs(x)); }),
       {with_some_zeros()}},
      {"5,000 kinks and a smooth part",
       fn([](const Tensors& x) { return sum(abs(x[0])) + sum(sin(x[1])); }), zeros_and_more()},
      {"a relu network with 1e5 inputs and a zero row", fn(relu_network),
       network_with_a_zero_row()},
      {"cross entropy of 1,000 rows", fn(classifier), {logits()}},
      {"a table with 1,000 rows, 50 used", fn(looked_up), {random64({1'000, 50}, 1)}},
      {"logsumexp of 1e5", fn([](const Tensor& x) { return logsumexp(x); }), {vector()}},
      {"norm of 1e5", fn([](const Tensor& x) { return norm(x); }), {vector()}},
      {"max of 1e5", fn([](const Tensor& x) { return max(x); }), {vector()}},
      {"cumsum of 1e4", fn([](const Tensor& x) { return mean(sin(cumsum(x))); }), {vector(10'000)}},
      {"layer_norm of 500 rows", fn(normalised), rows()},
      {"softplus of 1e5 numbers from 1e-6 to 1e6",
       fn([](const Tensor& x) { return sum(softplus(x)); }),
       {spread()},
       {},
       "beside numbers of 1e6 the sum rounds away what those of 1e-6 add"},
      {"1e5 inputs without influence beside one",
       fn([](const Tensors& x) { return 0 * sum(x[0]) + sin(x[1]); }),
       {vector(), wide({0.5})}},
      {"the variance of 1e5 equal numbers",
       fn([](const Tensor& x) { return variance(x); }),
       {full64({many}, 1)}},
      {"1e5 differences that cancel",
       fn([](const Tensors& x) { return mean(pow(x[0] - x[1], 2)); }),
       {vector(many / 2), vector(many / 2)}},
  };
}

HardFunctions wrong() {
  const auto sines = fn([](const Tensor& x) { return sum(sin(x)); });
  const auto abs_and_sines = [](double factor) {
    return fn([=](const Tensor& x) {
      return sum(abs(x)) + sum(sin(planted(x, times_at(8'500, factor))));
    });
  };
  return {
      {"one of 1e5 has no gradient", mistaken(sines, times_at(54'321, 0)), {vector()}},
      {"one of 1e5 is 1% too large", mistaken(sines, times_at(99'999, 1.01)), {vector()}},
      {"all of 1e5 are 2e-5 too large", mistaken(sines, times(1 + 2e-5)), {vector()}},
      {"one of 1e5 beside 20 kinks",
       mistaken(fn([](const Tensor& x) { return sum(abs(x)) + sum(sin(x)); }),
                times_at(54'321, 0.5)),
       {with_some_zeros()}},
      {"a cut behind 5,000 kinks",
       fn([](const Tensors& x) { return sum(abs(x[0])) + sum(sin(unseen(x[1]))); }),
       zeros_and_more()},
      {"a factor behind 5,000 kinks", fn([](const Tensors& x) {
         return sum(abs(x[0])) + sum(sin(planted(x[1], times_at(2, 1.001))));
       }),
       zeros_and_more()},
      {"one element behind 5,000 kinks of the same input",
       abs_and_sines(0),
       {zeros_in_the_middle()}},
      {"1% of one element behind 5,000 kinks", abs_and_sines(1.01), {zeros_in_the_middle()}},
      {"an element beyond the 4,000th", mistaken(sines, times_at(4'400, -1)), {vector(4'500)}},
      {"a tanh network, one weight", mistaken(fn(network), times_at(77'777, 2), 1),
       network_inputs()},
      {"a tanh network, one example reversed",
       mistaken(fn(network),
                [](const Tensor& g, const Tensor&) {
                  return concat({slice(g, 0, 0, 19), -slice(g, 0, 19, 20)}, 0);
                }),
       network_inputs()},
      {"a relu network with a zero row, weights 1e-3 too large",
       mistaken(fn(relu_network), times(1.001), 1), network_with_a_zero_row()},
      {"cross entropy, one row of 1,000",
       mistaken(fn(classifier), times_at(50'050, 1.01)),
       {logits()}},
      {"a table, rows used twice are overwritten",
       fn([](const Tensor& table) {
         const Tensor found = gather(table, ints({3, 7, 3}));
         return sum(tanh(concat({slice(found, 0, 0, 2), unseen(slice(found, 0, 2, 3))}, 0)));
       }),
       {random64({1'000, 50}, 1)}},
      {"norm of 1e5, 2e-5 too large",
       mistaken(fn([](const Tensor& x) { return norm(x); }), times(1 + 2e-5)),
       {vector()}},
      {"max of 1e5 sends its gradient to another",
       mistaken(fn([](const Tensor& x) { return max(x); }), shifted()),
       {vector()}},
      {"cumsum, gradients in reverse order",
       fn([](const Tensor& x) { return mean(sin(cumsum(planted(x, reversed())))); }),
       {vector(10'000)}},
      {"layer_norm, gain of one column", mistaken(fn(normalised), times_at(42, 1.01), 1), rows()},
      {"layer_norm, bias twice", mistaken(fn(normalised), times(2), 2), rows()},
      {"two mistakes of 1e5 that cancel in the sum",
       mistaken(sines,
                [](const Tensor& g, const Tensor&) {
                  return with_element(with_element(g, 10, g.values<double>()[10] + 0.5), 20,
                                      g.values<double>()[20] - 0.5);
                }),
       {vector()}},
      {"a bias beside 1e5 inputs",
       mistaken(fn([](const Tensors& x) { return sum(tanh(x[0] + x[1])); }), times(1.001), 1),
       {vector(), wide({0.5})}},
  };
}

}  // namespace

RightAndWrong with_many_inputs() { return {right(), wrong()}; }

}  // namespace adjoint::testing
