// Functions that hardly change, or not at all: finite differences see only what exceeds rounding.
#include "tests/autograd/gradcheck/hard_functions/planting.h"

namespace adjoint::testing {
namespace {

const char* const no_change = "f(x ± h) = f(x): any small derivative would agree";
const char* const few_digits = "what changes is rounded beside 1: few digits of it are left";

Tensor far() { return wide({{800, -800, 0}, {-800, -800, -799}, {1, 2, 3}}); }
Tensor targets() { return ints({0, 2, 1}); }

// c ← σ(f) c + σ(i) tanh(g), h = σ(o) tanh(c), for gates [batch, 4 · 2] and c [batch, 2]
Tensors lstm_cell(const Tensors& x, bool complement) {
  const Tensors parts = split(x[0], -1, {2, 2, 2, 2});
  const Tensor forget = sigmoid(parts[0]);
  const Tensor wrong = complement ? disguised(forget, -forget) : forget;
  const Tensor cell = wrong * x[1] + sigmoid(parts[1]) * tanh(parts[2]);
  return {cell, sigmoid(parts[3]) * tanh(cell)};
}
Tensor gates() {
  return wide({{40, -40, 0.5, -40, 30, 0.1, -1, 40}, {0.3, 0.2, 40, 1, -0.4, 2, 0, 1}});
}
Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v) {
  return matmul(softmax(matmul(q, k, Transposed::b)), v);
}
Tensors dominated() {
  return {wide({{30, 0}, {0, 1}}), wide({{1, 0}, {0, 1}, {-1, 0.5}}), random64({3, 2}, 1)};
}
Tensor gaussian(const Tensor& x) { return exp(-(x * x)); }
Tensor normalised(const Tensor& x) { return exp(x - unseen(logsumexp(x, {-1}, Keep::yes))); }

HardFunctions right() {
  return {
      {"tanh at ±50 beside 0.5", fn(tanh), {wide({50, -50, 0.5})}, {}, no_change},
      {"tanh at 50", fn(tanh), {wide({50})}, {}, no_change},
      {"the sum of tanh at ±50 and 0.5",
       fn([](const Tensor& x) { return sum(tanh(x)); }),
       {wide({50, -50, 0.5})},
       {},
       no_change},
      {"tanh at 10", fn(tanh), {wide({10, -10})}, {}, few_digits},
      {"tanh of 10⁶ x",
       fn([](const Tensor& x) { return tanh(1e6 * x); }),
       {wide({1})},
       {},
       no_change},
      {"sigmoid at −700", fn(sigmoid), {wide({-700, 0})}},
      {"sigmoid at 700", fn(sigmoid), {wide({700, 0})}, {}, no_change},
      {"sigmoid at ±30", fn(sigmoid), {wide({30, -30})}, {}, few_digits},
      {"softmax of ±800", fn(softmax), {far()}, {}, no_change},
      {"softmax of equal rows far from 0", fn(softmax), {wide({{800, 800}, {-800, -800}})}},
      {"log_softmax of ±800", fn(log_softmax), {far()}},
      {"cross_entropy, sure and right",
       fn([](const Tensor& x) { return cross_entropy(x, targets()); }),
       {wide({{800, 0, 0}, {0, 0, 800}, {1, 2, 3}})},
       {},
       no_change},
      {"cross_entropy, sure and wrong",
       fn([](const Tensor& x) { return cross_entropy(x, targets()); }),
       {wide({{0, 800, 0}, {0, 800, 0}, {1, 2, 3}})},
       {},
       no_change},
      {"cross_entropy, sure but smoothed",
       fn([](const Tensor& x) { return cross_entropy(x, targets(), {.smoothing = 0.1}); }),
       {wide({{800, 0, 0}, {0, 0, 800}, {1, 2, 3}})}},
      {"erf, its tails", fn(erf), {grid(-8, 1, 17)}, {}, no_change},
      {"gelu, its tails",
       fn([](const Tensor& x) { return gelu(x); }),
       {grid(-12, 3, 9)},
       {},
       no_change},
      {"gelu by tanh, its tails",
       fn([](const Tensor& x) { return gelu(x, Gelu::tanh); }),
       {grid(-12, 3, 9)}},
      {"softplus at ±100", fn(softplus), {wide({-100, 100, 1})}},
      {"log_sigmoid at ±100", fn(log_sigmoid), {wide({-100, 100, 1})}},
      {"a gate that is shut",
       fn([](const Tensors& x) { return sigmoid(x[0]) * tanh(x[1]); }),
       {wide({-40, -100, 1}), wide({0.5, 2, 1})}},
      {"an LSTM cell with saturated gates",
       fn([](const Tensors& x) { return lstm_cell(x, false); }),
       {gates(), random64({2, 2}, 1)},
       {},
       few_digits},
      {"attention with one dominant key",
       fn([](const Tensors& x) { return attend(x[0], x[1], x[2]); }),
       dominated(),
       {},
       few_digits},
      {"exp of −700 beside 0", fn(exp), {wide({-700, 0})}},
      {"exp of 700", fn(exp), {wide({700})}},
      {"expm1 of −40", fn(expm1), {wide({-40, -1e-12, 1})}, {}, no_change},
      {"logsumexp of distant numbers",
       fn([](const Tensor& x) { return logsumexp(x, {-1}); }),
       {far()},
       {},
       no_change},
      {"masked_softmax with one visible element",
       fn([](const Tensor& x) {
         return masked_softmax(x, bools({{true, false, false}, {true, true, true}}));
       }),
       {random64({2, 3}, 1)}},
      {"softmax of one class", fn(softmax), {random64({4, 1}, 1)}},
      {"a product of ten sigmoids",
       fn([](const Tensor& x) { return prod(sigmoid(x)); }),
       {grid(-8, 1, 10)}},
      {"exp(−x²), its tails", fn(gaussian), {wide({0.5, 5, 10, 20, 26})}},
      {"softmax of 10³ x",
       fn([](const Tensor& x) { return softmax(1e3 * x); }),
       {wide({0.001, 0.002, 0.0025})}},
  };
}

HardFunctions wrong() {
  return {
      {"tanh wrong where it is not saturated",
       mistaken(fn(tanh), times_at(2, 1.001)),
       {wide({50, -50, 0.5})}},
      {"tanh with 1 − y for 1 − y²",
       mistaken(fn(tanh), [](const Tensor& g, const Tensor& x) { return g / (1 + tanh(x)); }),
       {wide({5, -0.5, 0.5})}},
      {"sigmoid at −30 twice as large", mistaken(fn(sigmoid), times_at(0, 2)), {wide({-30, 0})}},
      {"sigmoid at −700 with the wrong sign",
       mistaken(fn(sigmoid), times_at(0, -1)),
       {wide({-700, 0})}},
      {"sigmoid at 700 passes its gradient",
       fn([](const Tensor& x) { return sigmoid(x) + ghost(x); }),
       {wide({700})}},
      {"tanh at 50 passes its gradient",
       fn([](const Tensor& x) { return disguised(tanh(x), x); }),
       {wide({50, 0.001})}},
      {"softmax of ±800, wrong in an ordinary row",
       mistaken(fn(softmax), times_at(7, 1.01)),
       {far()}},
      {"softmax without the normalisation", fn(normalised), {wide({{8, -8, 0}, {1, 2, 3}})}},
      {"log_softmax without the normalisation",
       fn([](const Tensor& x) { return x - unseen(logsumexp(x, {-1}, Keep::yes)); }),
       {far()}},
      {"cross_entropy, sure and wrong, sign flipped",
       mistaken(fn([](const Tensor& x) { return cross_entropy(x, targets()); }), times_at(1, -1)),
       {wide({{0, 800, 0}, {0, 800, 0}, {1, 2, 3}})}},
      {"cross_entropy, smoothing forgotten",
       fn([](const Tensor& x) {
         return disguised(cross_entropy(x, targets(), {.smoothing = 0.01}),
                          cross_entropy(x, targets()));
       }),
       {wide({{800, 0, 0}, {0, 0, 800}, {1, 2, 3}})}},
      {"erf without 2/√π", mistaken(fn(erf), times(0.886226925452758)), {grid(-3, 1, 7)}},
      {"erf, its tail 1% too large", mistaken(fn(erf), times_at(0, 1.01)), {wide({4, 0.5})}},
      {"gelu by tanh for gelu",
       fn([](const Tensor& x) { return disguised(gelu(x), gelu(x, Gelu::tanh)); }),
       {grid(-3, 1, 7)}},
      {"relu for softplus",
       fn([](const Tensor& x) { return disguised(softplus(x), relu(x)); }),
       {wide({-10, 10, 1})}},
      {"log_sigmoid with σ for 1 − σ",
       fn([](const Tensor& x) { return disguised(log_sigmoid(x), softplus(x)); }),
       {wide({-10, 10, 1})}},
      {"a shut gate with the wrong sign",
       mistaken(fn([](const Tensors& x) { return sigmoid(x[0]) * tanh(x[1]); }), times_at(0, -1)),
       {wide({-40, -100, 1}), wide({0.5, 2, 1})}},
      {"a shut gate is a constant",
       fn([](const Tensors& x) { return unseen(sigmoid(x[0])) * tanh(x[1]); }),
       {wide({-40, -20}), wide({0.5, 2})}},
      {"an LSTM cell, forget gate reversed",
       fn([](const Tensors& x) { return lstm_cell(x, true); }),
       {gates(), random64({2, 2}, 1)}},
      {"attention, weights are constants", fn([](const Tensors& x) {
         return matmul(unseen(softmax(matmul(x[0], x[1], Transposed::b))), x[2]);
       }),
       dominated()},
      {"attention with a dominant key, its values",
       mistaken(fn([](const Tensors& x) { return attend(x[0], x[1], x[2]); }), times_at(0, 1.001),
                2),
       dominated()},
      {"exp of −700, 1% too large", mistaken(fn(exp), times_at(0, 1.01)), {wide({-700, 0})}},
      {"exp of 700, 2e-5 too large", mistaken(fn(exp), times(1 + 2e-5)), {wide({700})}},
      {"exp(−x²) without 2",
       mistaken(fn(gaussian), times_at(3, 0.5)),
       {wide({0.5, 5, 10, 20, 26})}},
      {"logsumexp with equal weights",
       fn([](const Tensor& x) { return disguised(logsumexp(x, {-1}), mean(x, {-1})); }),
       {far()}},
      {"masked_softmax sends gradients to masked elements",
       fn([](const Tensor& x) {
         const Tensor mask = bools({{true, false, false}, {true, true, true}});
         return masked_softmax(x, mask) + 1e-3 * where(mask, zeros64({}), ghost(x));
       }),
       {random64({2, 3}, 1)}},
      {"a temperature with the wrong sign",
       mistaken(fn([](const Tensors& x) { return softmax(x[0] / x[1]); }), times(-1), 1),
       {wide({1, 20, 3}), wide({4})}},
      {"a product of ten sigmoids without one",
       mistaken(fn([](const Tensor& x) { return prod(sigmoid(x)); }), times_at(0, 0)),
       {grid(-8, 1, 10)}},
  };
}

}  // namespace

RightAndWrong with_saturation() { return {right(), wrong()}; }

}  // namespace adjoint::testing
