// Points at the border of a function's domain, or so close to it that ordinary steps leave it.
#include <cmath>

#include "tests/autograd/gradcheck/hard_functions/planting.h"

namespace adjoint::testing {
namespace {

// x, after a check as careful users write it.
Tensor within(const Tensor& x, double low, double high) {
  dispatch(x.dtype(), [&]<class T>() {
    if constexpr (Real<T>)
      for (const T value : x.values<T>())
        require(value >= low && value <= high, "x must be in [", low, ", ", high, "], is ", value);
  });
  return x;
}
constexpr double infinite = infinity;
Tensor strict_log(const Tensor& x) { return log(within(x, 1e-300, infinite)); }
Tensor strict_inverse(const Tensor& x) {
  for (const double value : x.values<double>()) require(value != 0, "division by 0");
  return 1 / x;
}
// Demands probabilities that sum to 1.
Tensor strict_entropy(const Tensor& p) {
  const double total = sum(detach(within(p, 0, 1))).item();
  require(std::abs(total - 1) < 1e-12, "the probabilities sum to ", total);
  return -sum(p * log(p));
}
Tensor bernoulli(const Tensor& p) { return within(p, 0, 1) * (1 - p); }

Tensor asin_slope(const Tensor& x) { return 1 / sqrt(1 - x * x); }
Tensor acosh(const Tensor& x) { return log(x + sqrt(x * x - 1)); }
Tensor atanh(const Tensor& x) { return 0.5 * log((1 + x) / (1 - x)); }
Tensor logit(const Tensor& p) { return log(p / (1 - p)); }
Tensor binary_cross_entropy(const Tensor& p) {
  const Tensor target = wide({1, 0, 1});
  return -(target * log(p) + (1 - target) * log(1 - p));
}
// The last element of the Cholesky factor of [[a, b], [b, c]].
Tensor cholesky(const Tensors& x) { return sqrt(x[2] - x[1] * x[1] / x[0]); }
Tensors nearly_singular() { return {wide({2}), wide({1}), wide({0.5 + 1e-6})}; }
Tensor power(const Tensors& x) { return pow(x[0], x[1]); }
Tensor near_0() { return wide({1e-10, 1e-3, 1}); }
Tensor near_0_and_1() { return wide({1e-9, 1 - 1e-9, 0.5}); }
Tensor simplex() { return wide({0.2, 1e-4, 0.7999}); }

GradcheckOptions in(Domain domain) { return {.domains = {domain}}; }
Domain positive() { return {.low = 0}; }
Domain probability() { return {.low = 0, .high = 1}; }

constexpr auto few_digits_near_1 = "1 − x is known to 1e-7 where x is 1 − 1e-9";

HardFunctions right() {
  return {
      {"log near 0", fn(log), {near_0()}},
      {"log at 1e-300", fn(log), {wide({1e-300})}},
      {"the sum of log near 0", fn([](const Tensor& x) { return sum(log(x)); }), {near_0()}},
      {"√x near 0", fn(sqrt), {wide({1e-12, 1e-4, 1})}},
      {"x^0.5 near 0", fn([](const Tensor& x) { return pow(x, 0.5); }), {wide({1e-8, 1})}},
      {"a^b with a near 0", fn(power), {wide({1e-8, 0.5}), wide({0.5, 2})}},
      {"a^b at a = 0, from above",
       fn(power),
       {wide({0, 1}), wide({2.5, 3})},
       {.domains = {positive(), {}}},
       "at a = 0, f does not depend on b"},
      {"x² at 0", fn([](const Tensor& x) { return pow(x, 2); }), {wide({0, 1})}},
      {"x⁰ and x¹ at 0",
       fn([](const Tensor& x) {
         return Tensors{pow(x, 0), pow(x, 1)};
       }),
       {wide({0, 1})}},
      {"1/√(1 − x²) near ±1", fn(asin_slope), {wide({0.999999, -0.9999, 0})}},
      {"acosh near 1", fn(acosh), {wide({1.0001, 2})}},
      {"atanh near ±1", fn(atanh), {wide({0.999999, -0.9999, 0})}},
      {"logit near 0 and 1", fn(logit), {near_0_and_1()}, {}, few_digits_near_1},
      {"binary cross entropy near 0 and 1",
       fn(binary_cross_entropy),
       {near_0_and_1()},
       {},
       few_digits_near_1},
      {"log1p near −1", fn(log1p), {wide({-1 + 1e-6, 0})}},
      {"1/x near 0", fn([](const Tensor& x) { return 1 / x; }), {wide({1e-8, -1e-8, 1})}},
      {"a log that throws, beside its border",
       fn(strict_log),
       {wide({1e-6, 0.5})},
       in({.low = 1e-9})},
      {"a log that throws, its border far away", fn(strict_log), {wide({10, 20})}, in({.low = 1})},
      {"p (1 − p) at 0 and 1, throws outside",
       fn(bernoulli),
       {wide({0, 1, 0.5})},
       in(probability())},
      {"x² at 0, throws below",
       fn([](const Tensor& x) { return pow(within(x, 0, infinite), 2); }),
       {wide({0, 1})},
       in(positive())},
      {"√(1 − x) near 1, throws above",
       fn([](const Tensor& x) { return sqrt(1 - within(x, -infinite, 1)); }),
       {wide({0.9999, 0.5})},
       in({.high = 1})},
      {"1/x that throws at 0", fn(strict_inverse), {wide({1e-3, -1e-3, 2})}, in({.away_from = 0})},
      {"entropy of a simplex, throws beside it",
       fn(strict_entropy),
       {simplex()},
       in({.simplex = true})},
      {"softplus of log x, x positive",
       fn([](const Tensor& x) { return softplus(strict_log(x)); }),
       {wide({0.125, 1, 3})},
       in(positive())},
      {"a Cholesky factor that is nearly singular", fn(cholesky), nearly_singular()},
      {"the norm of a tiny vector",
       fn([](const Tensor& x) { return norm(x); }),
       {wide({3e-12, -4e-12})}},
      {"a product with two zeros", fn([](const Tensor& x) { return prod(x); }), {wide({0, 0, 2})}},
      {"a product with one zero", fn([](const Tensor& x) { return prod(x); }), {wide({0, 2, 3})}},
      {"a / b at a = 0",
       fn([](const Tensors& x) { return x[0] / x[1]; }),
       {zeros64({3}), wide({1, 2, 1e-3})}},
      {"x / Σ x with a sum near 0",
       fn([](const Tensor& x) { return x / sum(x); }),
       {wide({1, -1.001})}},
      {"log of clamped probabilities at 0",
       fn([](const Tensor& x) { return log(clamp(x, 1e-12, 1)); }),
       {wide({0, 0.5})},
       in(probability()),
       "the bound, 1e-12, is closer than any step"},
      {"√(x² + 1e-16) at 0",
       fn([](const Tensor& x) { return sqrt(x * x + 1e-16); }),
       {wide({0, 1})}},
  };
}

HardFunctions wrong() {
  // 1/x computed as 1/(x + ε), √x as √x + ε, ...
  const auto with_epsilon = [](double epsilon) {
    return [=](const Tensor& g, const Tensor& x) { return g * (x / (x + epsilon)); };
  };
  const auto product = fn([](const Tensor& x) { return prod(x); });
  return {
      {"log near 0 with an epsilon", mistaken(fn(log), with_epsilon(1e-12)), {near_0()}},
      {"log near 0, nothing at 1e-10", mistaken(fn(log), times_at(0, 0)), {near_0()}},
      {"√x near 0, nothing at 1e-12", mistaken(fn(sqrt), times_at(0, 0)), {wide({1e-12, 1e-4, 1})}},
      {"1/x near 0, nothing at 1e-8",
       mistaken(fn([](const Tensor& x) { return 1 / x; }), times_at(0, 0)),
       {wide({1e-8, -1e-8, 1})}},
      {"log1p near −1, nothing there", mistaken(fn(log1p), times_at(0, 0)), {wide({-1 + 1e-6, 0})}},
      {"√x near 0 with an epsilon",
       mistaken(fn(sqrt), with_epsilon(1e-14)),
       {wide({1e-12, 1e-4, 1})}},
      {"a^b without b",
       fn([](const Tensors& x) { return pow(x[0], unseen(x[1])); }),
       {wide({1e-8, 0.5}), wide({0.5, 2})}},
      {"a^b with log a for −log a",
       mistaken(fn(power), times(-1), 1),
       {wide({1e-3, 0.5}), wide({0.5, 2})}},
      {"1/√(1 − x²) near ±1, sign",
       mistaken(fn(asin_slope), times_at(1, -1)),
       {wide({0.999999, -0.9999, 0})}},
      {"acosh near 1, 2e-5 too large", mistaken(fn(acosh), times(1 + 2e-5)), {wide({1.0001, 2})}},
      {"atanh near ±1, 1 + x² for 1 − x²",
       mistaken(fn(atanh),
                [](const Tensor& g, const Tensor& x) { return g * ((1 - x * x) / (1 + x * x)); }),
       {wide({0.999999, -0.9999, 0.1})}},
      {"logit with 1/p for 1/(p (1 − p))",
       fn([](const Tensor& p) { return disguised(logit(p), log(p)); }),
       {near_0_and_1()}},
      {"binary cross entropy, clipped at 1e-8",
       fn([](const Tensor& p) {
         return disguised(binary_cross_entropy(p), binary_cross_entropy(clamp(p, 1e-8, 1 - 1e-8)));
       }),
       {near_0_and_1()}},
      {"log1p near −1 as log x",
       mistaken(fn(log1p),
                [](const Tensor& g, const Tensor& x) { return g * ((1 + x) / (x + 1 + 1e-7)); }),
       {wide({-1 + 1e-6, 0})}},
      {"1/x near 0 with 1/x for 1/x²",
       mistaken(fn([](const Tensor& x) { return 1 / x; }),
                [](const Tensor& g, const Tensor& x) { return g * x; }),
       {wide({1e-8, -1e-8, 2})}},
      {"a log that throws, 1% too large",
       mistaken(fn(strict_log), times(1.01)),
       {wide({1e-6, 0.5})},
       in({.low = 1e-9})},
      {"p (1 − p) at 0 and 1, the sign at 1",
       mistaken(fn(bernoulli), times_at(1, -1)),
       {wide({0, 1, 0.5})},
       in(probability())},
      {"x² at 0 that throws below, with derivative 1",
       fn([](const Tensor& x) { return pow(within(x, 0, infinite), 2) + ghost(x); }),
       {wide({0, 1})},
       in(positive())},
      {"√(1 − x) without the inner sign",
       mistaken(fn([](const Tensor& x) { return sqrt(1 - within(x, -infinite, 1)); }), times(-1)),
       {wide({0.9999, 0.5})},
       in({.high = 1})},
      {"1/x that throws at 0, |x| in the derivative",
       mistaken(fn(strict_inverse), [](const Tensor& g, const Tensor& x) { return g * sign(x); }),
       {wide({1e-3, -1e-3, 2})},
       in({.away_from = 0})},
      {"entropy of a simplex, 1% too large",
       mistaken(fn(strict_entropy), times(1.01)),
       {simplex()},
       in({.simplex = true})},
      {"entropy of a simplex, two elements exchanged",
       mistaken(fn(strict_entropy), shifted()),
       {simplex()},
       in({.simplex = true})},
      {"a Cholesky factor without 1/2", mistaken(fn(cholesky), times(2), 2), nearly_singular()},
      {"a Cholesky factor, b counted once", mistaken(fn(cholesky), times(0.5), 1),
       nearly_singular()},
      {"the norm of a tiny vector with an epsilon",
       mistaken(fn([](const Tensor& x) { return norm(x); }),
                [](const Tensor& g, const Tensor& x) {
                  const Tensor size = detach(norm(x));
                  return g * (size / (size + 1e-12));
                }),
       {wide({3e-12, -4e-12})}},
      {"a product with one zero, no gradient there",
       mistaken(product, times_at(0, 0)),
       {wide({0, 2, 3})}},
      {"a product with two zeros and a gradient",
       fn([](const Tensor& x) { return prod(x) + ghost(slice(x, 0, 0, 1)); }),
       {wide({0, 0, 2})}},
      {"a / b at a = 0, no gradient",
       fn([](const Tensors& x) { return unseen(x[0]) / x[1]; }),
       {zeros64({3}), wide({1, 2, 1e-3})}},
      {"x / Σ x with a constant sum",
       fn([](const Tensor& x) { return x / unseen(sum(x)); }),
       {wide({1, -1.001})}},
  };
}

}  // namespace

RightAndWrong with_borders() { return {right(), wrong()}; }

}  // namespace adjoint::testing
