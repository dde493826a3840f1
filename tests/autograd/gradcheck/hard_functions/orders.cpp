// The derivative of the derivative. The first order of the wrong functions is right.
#include "autograd/functional.h"
#include "tests/autograd/gradcheck/hard_functions/planting.h"

namespace adjoint::testing {
namespace {

const GradcheckOptions second{.order = 2};
const GradcheckOptions third{.order = 3};

// f(x) with the derivative f'(x), which the sweep takes for a constant.
Tensor once(const Tensor& value, const Tensor& slope, const Tensor& x) {
  return mistakes_are_made() ? detach(value) + ghost(x) * detach(slope) : value;
}
// f, with a mistake in the derivative of the gradient of one input.
Function later_mistaken(Function f, Mistake mistake, std::size_t input = 0) {
  return [=](const Tensors& x) {
    Tensors inputs = x;
    inputs[input] = planted_in_second_order(inputs[input], mistake);
    return f(inputs);
  };
}
Tensor network(const Tensors& x) { return matmul(tanh(matmul(x[0], x[1])), x[2]); }
Tensors network_inputs() { return {random64({3, 2}, 1), random64({2, 4}, 2), random64({4, 1}, 3)}; }
Tensor attend(const Tensors& x) { return matmul(softmax(matmul(x[0], x[1], Transposed::b)), x[2]); }
Tensors attention_inputs() {
  return {random64({2, 3}, 1), random64({4, 3}, 2), random64({4, 2}, 3)};
}
Tensor normalised(const Tensors& x) { return layer_norm(x[0], x[1], x[2]); }
Tensors rows() { return {random64({2, 4}, 1), random64({4}, 2), random64({4}, 3)}; }
// |∇ Σ sin²|², a penalty on a gradient, with a function that differentiates inside.
Tensor penalty(const Tensor& x, bool recorded) {
  const TensorFunction inner = [](const Tensor& v) { return pow(sin(v), 2); };
  const Tensor gradient =
      vjp(inner, x, {.create_graph = recorded}).pullback(ones(x.shape(), x.dtype()));
  return sum(gradient * gradient);
}

HardFunctions right() {
  const Tensor x = wide({0.5, -1, 2});
  return {
      {"second order of a tanh network", fn(network), network_inputs(), second},
      {"second order of attention", fn(attend), attention_inputs(), second},
      {"second order of layer_norm", fn(normalised), rows(), second},
      {"second order of layer_norm of constant rows",
       fn(normalised),
       {full64({2, 4}, 5), random64({4}, 2), random64({4}, 3)},
       second},
      {"second order of softmax of ±30",
       fn(softmax),
       {wide({30, -30, 0})},
       second,
       "terms of the size of the cotangent cancel in the gradient, and leave rounding"},
      {"second order of cross_entropy",
       fn([](const Tensor& v) {
         return cross_entropy(v, ints({0, 3}));
       }),
       {random64({2, 4}, 1)},
       second},
      {"second order of a linear function", fn([](const Tensor& v) { return 3 * v; }), {x}, second},
      {"second order of relu beside 0", fn(relu), {x}, second},
      {"second order of abs at 0", fn(abs), {wide({0, 1})}, second},
      {"second order of x³ at 0",
       fn([](const Tensor& v) { return pow(v, 3); }),
       {wide({0, 1e-3, 1})},
       second},
      {"second order of 1e8 sin x", fn([](const Tensor& v) { return 1e8 * sin(v); }), {x}, second},
      {"second order of sin of 1e-8",
       fn([](const Tensor& v) { return sin(1e8 * v); }),
       {x * 1e-8},
       second},
      {"second order of softplus at ±40", fn(softplus), {wide({-40, 40, 1})}, second},
      {"second order of the variance of equal numbers",
       fn([](const Tensor& v) { return variance(v); }),
       {full64({4}, 1)},
       second},
      {"second order of log near 0", fn(log), {wide({1e-6, 1})}, second},
      {"second order of a product with zeros",
       fn([](const Tensor& v) { return prod(v); }),
       {wide({0, 0, 2, 3})},
       second},
      {"second order of 20,000 tanh",
       fn([](const Tensor& v) { return sum(tanh(v)); }),
       {random64({20'000}, 1)},
       second},
      {"second order of 100 steps",
       fn([](const Tensor& v) {
         Tensor state = v;
         for (int t = 0; t < 100; ++t) state = state + 0.01 * sin(state);
         return state;
       }),
       {x},
       second},
      {"third order of exp sin x", fn([](const Tensor& v) { return exp(sin(v)); }), {x}, third},
      {"third order of x²", fn([](const Tensor& v) { return v * v; }), {x}, third},
      {"a gradient penalty", fn([](const Tensor& v) { return penalty(v, true); }), {x}, second},
  };
}

HardFunctions wrong() {
  const Tensor x = wide({0.5, -1, 2});
  return {
      {"second order of a network, its first layer", later_mistaken(fn(network), times(-1), 1),
       network_inputs(), second},
      {"second order of a network, 2e-5 too large", later_mistaken(fn(network), times(1 + 2e-5)),
       network_inputs(), second},
      {"second order of attention, one key", later_mistaken(fn(attend), times_at(4, 0), 1),
       attention_inputs(), second},
      {"second order of attention, queries reversed", later_mistaken(fn(attend), reversed()),
       attention_inputs(), second},
      {"second order of layer_norm, one element",
       later_mistaken(fn(normalised), times_at(2, 1.001)), rows(), second},
      {"second order of softmax, shifted",
       later_mistaken(fn(softmax), shifted()),
       {random64({2, 3}, 1)},
       second},
      {"second order of cross_entropy, averaged",
       later_mistaken(fn([](const Tensor& v) {
                        return cross_entropy(v, ints({0, 3}));
                      }),
                      averaged()),
       {random64({2, 4}, 1)},
       second},
      {"sin with a constant derivative",
       fn([](const Tensor& v) { return once(sin(v), cos(v), v); }),
       {x},
       second},
      {"exp with a constant derivative",
       fn([](const Tensor& v) { return once(exp(v), exp(v), v); }),
       {x},
       second},
      {"1/x with a constant derivative",
       fn([](const Tensor& v) { return once(1 / v, -1 / (v * v), v); }),
       {x},
       second},
      {"a b with constant factors",
       fn([](const Tensors& v) {
         return once(v[0] * v[1], v[1], v[0]) + ghost(v[1]) * unseen(v[0]);
       }),
       {x, x + 1},
       second},
      {"1e8 sin x, its second derivative",
       later_mistaken(fn([](const Tensor& v) { return 1e8 * sin(v); }), times(2)),
       {x},
       second},
      {"sin of 1e-8, its second derivative",
       later_mistaken(fn([](const Tensor& v) { return sin(1e8 * v); }), times(2)),
       {x * 1e-8},
       second},
      {"relu beside 0, its second derivative",
       later_mistaken(fn([](const Tensor& v) { return pow(relu(v), 2); }), times_at(2, 0.9)),
       {x},
       second},
      {"x³ near 0, its second derivative",
       later_mistaken(fn([](const Tensor& v) { return pow(v, 3); }), times_at(1, 2)),
       {wide({0.5, 1e-3, 1})},
       second},
      {"log near 0, its second derivative",
       later_mistaken(fn(log), times_at(0, 1.01)),
       {wide({1e-6, 1})},
       second},
      {"20,000 tanh, one second derivative",
       later_mistaken(fn([](const Tensor& v) { return sum(tanh(v)); }), times_at(12'345, 0)),
       {random64({20'000}, 1)},
       second},
      {"exp sin x, its third derivative",
       later_mistaken(fn([](const Tensor& v) { return exp(sin(v)); }),
                      [](const Tensor& g, const Tensor&) { return planted(g, times(1.01)); }),
       {x},
       third},
      {"a gradient penalty that is not recorded",
       fn([](const Tensor& v) { return penalty(v, !mistakes_are_made()) + 0 * sum(v); }),
       {x}},
      {"a gradient penalty, its sign",
       mistaken(fn([](const Tensor& v) { return penalty(v, true); }), times(-1)),
       {x}},
  };
}

}  // namespace

RightAndWrong with_orders() { return {right(), wrong()}; }

}  // namespace adjoint::testing
