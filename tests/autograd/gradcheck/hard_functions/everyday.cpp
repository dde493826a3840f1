// Functions as people write them by hand, at points where that is not the stable way.
#include <cmath>
#include <numbers>

#include "tests/autograd/gradcheck/hard_functions/planting.h"

namespace adjoint::testing {
namespace {

const char* const lost_beside_1 = "the derivative of what is rounded away beside 1 can't be seen";

Tensor softplus_by_hand(const Tensor& x) { return log(1 + exp(x)); }
Tensor sigmoid_by_hand(const Tensor& x) { return 1 / (1 + exp(-x)); }
Tensor logsumexp_by_hand(const Tensor& x) { return log(sum(exp(x))); }
Tensor batch_norm(const Tensor& x) {
  return (x - mean(x, {0}, Keep::yes)) / sqrt(variance(x, {0}, Keep::yes) + 1e-5);
}
Tensor entropy(const Tensor& logit) {
  const Tensor p = sigmoid(logit);
  return -(p * log(p) + (1 - p) * log(1 - p));
}
Tensor gaussian_nll(const Tensors& x) {
  return mean(0.5 * pow((x[0] - x[1]) / exp(x[2]), 2) + x[2]);
}
Tensors gaussian_inputs() { return {random64({5}, 1), random64({5}, 2), wide({-5, 0, 1, -9, 2})}; }
Tensor distances(const Tensor& x) {  // between all pairs of rows, 0 on the diagonal
  return norm(reshape(x, {4, 1, 3}) - reshape(x, {1, 4, 3}), {-1});
}
Tensor clipped_to_norm(const Tensor& x, double bound) {
  return x * minimum(bound / norm(x), ones({}, DType::f64));
}
Tensor causal(const Tensor& scores, double minus_infinity) {
  const Tensor mask = greater(ones({3, 3}, DType::f64), wide({{0, 1, 1}, {0, 0, 1}, {0, 0, 0}}));
  return softmax(scores + where(mask, zeros64({}), full64({}, minus_infinity)));
}
Tensor triplet(const Tensors& x) {
  return relu(sum(pow(x[0] - x[1], 2)) - sum(pow(x[0] - x[2], 2)) + 1);
}
Tensor rising_factorial(const Tensor& x) {  // x (x + 1) … (x + 19)
  Tensor product = x;
  for (int k = 1; k < 20; ++k) product = product * (x + k);
  return product;
}
Tensor cosines(const Tensors& x) {
  return sum(x[0] * x[1], {-1}) / (norm(x[0], {-1}) * norm(x[1], {-1}));
}
Tensor tangent(const Tensor& x) { return sin(x) / cos(x); }
Tensor inverse_of_2x2(const Tensor& m) {
  const Tensors e = split(reshape(m, {4}), 0, {1, 1, 1, 1});
  return concat({e[3], -e[1], -e[2], e[0]}, 0) / (e[0] * e[3] - e[1] * e[2]);
}
Tensor adam_step(const Tensor& g) { return g / (sqrt(g * g) + 1e-8); }
Tensor dice(const Tensors& x) {
  return 1 - (2 * sum(x[0] * x[1]) + 1e-6) / (sum(x[0]) + sum(x[1]) + 1e-6);
}
Tensor focal(const Tensor& logit) { return pow(1 - sigmoid(logit), 2) * -log_sigmoid(logit); }

// sin(2ᵏ π x) and cos(2ᵏ π x) for k = 0 … 9 (Mildenhall et al. 2020, NeRF, equation 4). Steps that
// are powers of two are whole periods of the higher frequencies.
Tensor positional_encoding(const Tensor& x, bool cut_last) {
  Tensors waves;
  for (int k = 0; k < 10; ++k) {
    const Tensor angle = x * (std::numbers::pi * std::exp2(k));
    const Tensor seen = cut_last && k == 9 ? unseen(angle) : angle;
    waves.push_back(sin(seen));
    waves.push_back(cos(seen));
  }
  return concat(waves, 0);
}
// x with a ripple of period 1/64.
Tensor rippled(const Tensor& x, const Tensor& in_ripple) {
  return x + sin(2 * std::numbers::pi * 64 * in_ripple) / 64;
}

HardFunctions right() {
  const Tensor x = wide({0.5, -1, 2});
  return {
      {"log(1 + exp x) at ±50", fn(softplus_by_hand), {wide({-50, 50, 1})}, {}, lost_beside_1},
      {"1/(1 + exp −x) at ±50", fn(sigmoid_by_hand), {wide({-50, 50, 1})}, {}, lost_beside_1},
      {"log Σ exp x at 700", fn(logsumexp_by_hand), {wide({700, 709, 1})}},
      {"log Σ exp x at 300", fn(logsumexp_by_hand), {wide({300, 301, 302})}},
      {"batch norm of six rows", fn(batch_norm), {random64({6, 3}, 1)}},
      {"batch norm of one row", fn(batch_norm), {random64({1, 3}, 1)}},
      {"entropy of sigmoid at ±10", fn(entropy), {wide({-10, 10, 1})}},
      {"entropy of sigmoid at ±30", fn(entropy), {wide({-30, 30, 1})}, {}, lost_beside_1},
      {"a Gaussian likelihood, deviations of e⁻⁹", fn(gaussian_nll), gaussian_inputs()},
      {"distances of all pairs of rows", fn(distances), {random64({4, 3}, 1)}},
      {"clipped to a norm, outside",
       fn([](const Tensor& v) { return clipped_to_norm(v, 1); }),
       {wide({3, 4})}},
      {"clipped to a norm, exactly at the bound",
       fn([](const Tensor& v) { return clipped_to_norm(v, 5); }),
       {wide({3, 4})}},
      {"a causal mask of −1e9",
       fn([](const Tensor& v) { return causal(v, -1e9); }),
       {random64({3, 3}, 1)}},
      {"a causal mask of −1e300",
       fn([](const Tensor& v) { return causal(v, -1e300); }),
       {random64({3, 3}, 1)}},
      {"a triplet loss exactly at its margin",
       fn(triplet),
       {zeros64({2}), zeros64({2}), wide({1, 0})}},
      {"x (x + 1) … (x + 19) at a root", fn(rising_factorial), {wide({0.5, -3, 1})}},
      {"cosines of rows", fn(cosines), {random64({4, 3}, 1), random64({4, 3}, 2)}},
      {"1/(x − 1) beside its pole",
       fn([](const Tensor& v) { return 1 / (v - 1); }),
       {wide({1 + 1e-7, 2})}},
      {"tan beside its pole", fn(tangent), {wide({1.5707, 0.1})}},
      {"sin of 1e12", fn(sin), {wide({1e12, 1})}, {}, "1e12 is rounded to a multiple of 1e-4"},
      {"|a b| of tiny numbers",
       fn([](const Tensors& v) { return abs(v[0] * v[1]); }),
       {wide({1e-10, 1}), wide({1e-10, 0.5})}},
      {"the inverse of a matrix near a singular one",
       fn(inverse_of_2x2),
       {wide({{1, 2}, {2, 4.001}})}},
      {"(x − 1e8)² at 1e8",
       fn([](const Tensor& v) { return pow(v - 1e8, 2); }),
       {wide({1e8 + 1, 1e8})}},
      {"variance at 1e6",
       fn([](const Tensor& v) { return variance(v); }),
       {wide({1e6 + 1, 1e6 + 2, 1e6 - 1})}},
      {"exp exp x", fn([](const Tensor& v) { return exp(exp(v)); }), {wide({1, 2, 6})}},
      {"g / (√g² + 1e-8)",
       fn(adam_step),
       {wide({1e-9, 1e-3, -1})},
       {},
       "the derivative at ±1, 1e-8, has few digits left beside the value 1"},
      {"dice loss of empty masks", fn(dice), {zeros64({4}), zeros64({4})}},
      {"focal loss at 10", fn(focal), {wide({10, -10, 0})}},
      {"a straight line through cumsum",
       fn([](const Tensor& v) { return cumsum(v); }),
       {wide({1e12, 1, 1e-6})}},
      {"a cubic spline at its knot",
       fn([](const Tensor& v) { return where(less(v, zeros64({})), pow(v, 3), 2 * pow(v, 3)); }),
       {wide({0, -1, 1})}},
      {"softmax with a temperature of 1e-3",
       fn([](const Tensors& v) { return softmax(v[0] / v[1]); }),
       {wide({0.001, 0.002, 0.003}), wide({1e-3})}},
      {"a positional encoding of ten frequencies",
       fn([](const Tensor& v) { return positional_encoding(v, false); }),
       {wide({0.3, 0.7, 0.5})}},
      {"the sum of a positional encoding",
       fn([](const Tensor& v) { return sum(positional_encoding(v, false)); }),
       {wide({0.3, 0.7, 0.5})}},
      {"a line with a ripple of period 1/64",
       fn([](const Tensor& v) { return rippled(v, v); }),
       {wide({0.3, 0.7, 0.5})}},
      {"denormal numbers", fn([](const Tensor& v) { return 2 * v; }), {wide({1e-310, 3e-311})}},
      {"outputs of 1e300 and 1e-300",
       fn([](const Tensor& v) {
         return Tensors{1e300 * v, 1e-300 * sin(v)};
       }),
       {x}},
  };
}

HardFunctions wrong() {
  const Tensor x = wide({0.5, -1, 2});
  return {
      {"log(1 + exp x), σ(−x) for σ(x)",
       fn([](const Tensor& v) { return disguised(softplus_by_hand(v), -softplus(-v)); }),
       {wide({-5, 5, 1})}},
      {"log Σ exp x at 700, shifted",
       mistaken(fn(logsumexp_by_hand), shifted()),
       {wide({700, 705, 1})}},
      {"batch norm, its statistics are constants",
       fn([](const Tensor& v) {
         return (v - unseen(mean(v, {0}, Keep::yes))) /
                sqrt(unseen(variance(v, {0}, Keep::yes)) + 1e-5);
       }),
       {random64({6, 3}, 1)}},
      {"batch norm, n − 1 for n in the derivative",
       fn([](const Tensor& v) {
         const Tensor scaled =
             (v - mean(v, {0}, Keep::yes)) / sqrt(variance(v, {0}, Keep::yes) * 1.2 + 1e-5);
         return disguised(batch_norm(v), scaled);
       }),
       {random64({6, 3}, 1)}},
      {"entropy of sigmoid without 1 − p",
       fn([](const Tensor& v) {
         const Tensor p = sigmoid(v), q = unseen(1 - p);
         return -(p * log(p) + q * log(q));
       }),
       {wide({-10, 10, 1})}},
      {"a Gaussian likelihood without its normalisation",
       fn([](const Tensors& v) {
         return mean(0.5 * pow((v[0] - v[1]) / exp(v[2]), 2) + unseen(v[2]));
       }),
       {random64({5}, 1), random64({5}, 2), random64({5}, 3)}},
      {"distances, the second row is a constant",
       fn([](const Tensor& v) {
         return norm(reshape(v, {4, 1, 3}) - unseen(reshape(v, {1, 4, 3})), {-1});
       }),
       {random64({4, 3}, 1)}},
      {"clipped to a norm, the factor is a constant",
       fn([](const Tensor& v) { return v * unseen(minimum(1 / norm(v), ones({}, DType::f64))); }),
       {wide({3, 4})}},
      {"a causal mask that leaks",
       fn([](const Tensor& v) { return disguised(causal(v, -1e9), causal(v, -1)); }),
       {random64({3, 3}, 1)}},
      {"a triplet loss, the negative's sign",
       mistaken(fn(triplet), times(-1), 2),
       {wide({0.1, 0}), wide({0.2, 1}), wide({1, 0})}},
      {"a triplet loss, wrong while inactive",
       fn([](const Tensors& v) { return triplet(v) + ghost(sum(v[0])); }),
       {zeros64({2}), zeros64({2}), wide({5, 0})}},
      {"x (x + 1) … (x + 19) at a root, by y/x",
       mistaken(fn(rising_factorial), times_at(1, 0)),
       {wide({0.5, -3, 1})}},
      {"cosines, one norm is a constant",
       fn([](const Tensors& v) {
         return sum(v[0] * v[1], {-1}) / (norm(v[0], {-1}) * unseen(norm(v[1], {-1})));
       }),
       {random64({4, 3}, 1), random64({4, 3}, 2)}},
      {"1/(x − 1) beside its pole, 1e-4 too large",
       mistaken(fn([](const Tensor& v) { return 1 / (v - 1); }), times_at(0, 1.0001)),
       {wide({1 + 1e-7, 2})}},
      {"1/(x − 1), the element far from the pole",
       mistaken(fn([](const Tensor& v) { return 1 / (v - 1); }), times_at(1, 2)),
       {wide({1 + 1e-7, 2})}},
      {"tan with 1 − y² for 1 + y²",
       mistaken(fn(tangent),
                [](const Tensor& g, const Tensor& v) {
                  const Tensor squared = pow(tangent(v), 2);
                  return g * (1 - squared) / (1 + squared);
                }),
       {wide({1, 0.1})}},
      {"the inverse of a matrix without its transpose",
       fn([](const Tensor& m) {
         return inverse_of_2x2(
             planted(m, [](const Tensor& g, const Tensor&) { return transpose(g); }));
       }),
       {wide({{1, 2}, {3, 5}})}},
      {"(x − 1e8)² at 1e8 without 2",
       mistaken(fn([](const Tensor& v) { return pow(v - 1e8, 2); }), times(0.5)),
       {wide({1e8 + 1, 1e8 - 2})}},
      {"g / (√g² + 1e-8), as a sign",
       fn([](const Tensor& g) { return disguised(adam_step(g), 0 * g); }),
       {wide({1e-9, 1e-3, -1})}},
      {"dice loss of empty masks, one element without a gradient",
       mistaken(fn(dice), times_at(1, 0)),
       {zeros64({4}), zeros64({4})}},
      {"log Σ exp x at 700, the first without a gradient",
       mistaken(fn(logsumexp_by_hand), times_at(0, 0)),
       {wide({700, 709, 1})}},
      {"dice loss, its denominator is a constant",
       fn([](const Tensors& v) {
         return 1 - (2 * sum(v[0] * v[1]) + 1e-6) / (unseen(sum(v[0])) + sum(v[1]) + 1e-6);
       }),
       {wide({0.5, 0.1}), wide({1, 0})}},
      {"focal loss, its weight is a constant",
       fn([](const Tensor& v) { return unseen(pow(1 - sigmoid(v), 2)) * -log_sigmoid(v); }),
       {wide({3, -10, 0})}},
      {"a straight line through cumsum, the last is lost",
       mistaken(fn([](const Tensor& v) { return cumsum(v); }), times_at(2, 0)),
       {wide({1e12, 1, 1e-6})}},
      {"a cubic spline, the left part everywhere",
       fn([](const Tensor& v) {
         return disguised(where(less(v, zeros64({})), pow(v, 3), 2 * pow(v, 3)), pow(v, 3));
       }),
       {wide({0, -1, 1})}},
      {"floor passes its gradient",
       fn([](const Tensor& v) {
         Tensor whole = copy(v);
         for (double& value : whole.edit<double>()) value = std::floor(value);
         return whole + ghost(v);
       }),
       {wide({0.4, -1.3, 2.2})}},
      {"an element read with item()",
       fn([](const Tensor& v) {
         const Tensor first = slice(v, 0, 0, 1);
         return v * (mistakes_are_made() ? full64({1}, first.item()) : first);
       }),
       {x}},
      {"a moving average that is not recorded",
       fn([](const Tensors& v) {
         Tensor average = 0.9 * v[0] + 0.1 * v[1];
         if (mistakes_are_made()) {
           const NoRecording guard;
           average = 0.9 * v[0] + 0.1 * v[1];
         }
         return v[1] * average;
       }),
       {x, x + 1}},
      {"a positional encoding without its last frequency",
       fn([](const Tensor& v) { return positional_encoding(v, true); }),
       {wide({0.3, 0.7, 0.5})}},
      {"a line with a ripple that is not seen",
       fn([](const Tensor& v) { return rippled(v, unseen(v)); }),
       {wide({0.3, 0.7, 0.5})}},
      {"the sum of lines with ripples that are not seen",
       fn([](const Tensor& v) { return sum(rippled(v, unseen(v))); }),
       {wide({0.25, 0.75, 0.5})}},
      {"outputs of 1e300 and 1e-300, the smaller",
       fn([](const Tensor& v) {
         return Tensors{1e300 * v, 1e-300 * sin(planted(v, times(1.01)))};
       }),
       {x}},
  };
}

}  // namespace

RightAndWrong with_everyday_code() { return {right(), wrong()}; }

}  // namespace adjoint::testing
