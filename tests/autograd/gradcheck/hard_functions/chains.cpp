// Long chains: rounding and derivatives grow or vanish from step to step.
#include <cmath>

#include "tests/autograd/gradcheck/hard_functions/planting.h"

namespace adjoint::testing {
namespace {

using Step = std::function<Tensor(const Tensor&)>;
Tensor repeated(Tensor x, int count, const Step& step) {
  for (int i = 0; i < count; ++i) x = step(x);
  return x;
}
/// The same, with a mistake between two steps.
Function chain(int count, Step step, int wrong_step = -1, Mistake mistake = {}) {
  return fn([=](const Tensor& x) {
    if (wrong_step < 0) return repeated(x, count, step);
    return repeated(planted(repeated(x, wrong_step, step), mistake), count - wrong_step, step);
  });
}

Tensor drift(const Tensor& x) { return x + 0.01 * sin(x); }
Step logistic(double r) {
  return [=](const Tensor& x) { return r * x * (1 - x); };
}
Step constant_matrix(Index n) {  // a rotation but for 1e-3
  const Tensor skew = 0.1 * random64({n, n}, 5);
  Tensor rotation = eye(n, DType::f64), power = rotation;
  for (int k = 1; k < 20; ++k) {
    power = matmul(power, skew - transpose(skew)) / k;
    rotation = rotation + power;
  }
  const Tensor matrix = rotation + 1e-3 * random64({n, n}, 6) / std::sqrt(static_cast<double>(n));
  return [=](const Tensor& x) { return matmul(matrix, x); };
}

enum class Flaw { none, truncated, last_step };
// h ← tanh(W h + U x), over 300 steps of the same x.
Tensor recurrent(const Tensors& x, Flaw flaw) {
  Tensor h = zeros64({4});
  for (int t = 0; t < 300; ++t) {
    if (flaw == Flaw::truncated && t == 290) h = unseen(h);
    const Tensor weights = flaw == Flaw::last_step && t == 299 ? unseen(x[0]) : x[0];
    h = tanh(matmul(weights, h) + matmul(x[1], x[2]));
  }
  return h;
}
Tensors recurrent_inputs() {
  return {0.4 * random64({4, 4}, 1), random64({4, 2}, 2), random64({2}, 3)};
}
// x ← x − rate · A x: gradient descent, as a function of x and of the rate.
Tensor descent(const Tensors& x, bool constant_rate_at_first) {
  const Tensor a = wide({{2, 0.5}, {0.5, 1}});
  Tensor point = x[0];
  for (int t = 0; t < 200; ++t)
    point = point - (constant_rate_at_first && t == 0 ? unseen(x[1]) : x[1]) * matmul(a, point);
  return point;
}
// Symplectic Euler: p ← p − h sin q, q ← q + h p.
Tensors pendulum(const Tensors& x, bool cut) {
  Tensor q = x[0], p = x[1];
  for (int t = 0; t < 500; ++t) {
    p = p - 0.02 * sin(q);
    q = q + 0.02 * (cut && t == 499 ? unseen(p) : p);
  }
  return {q, p};
}
Tensor lorenz(const Tensor& x, bool wrong) {
  Tensors s = split(x, 0, {1, 1, 1});
  for (int t = 0; t < 300; ++t) {
    const Tensor cross = s[0] * s[1];
    s = {s[0] + 0.01 * 10 * (s[1] - s[0]), s[1] + 0.01 * (s[0] * (28 - s[2]) - s[1]),
         s[2] + 0.01 * ((wrong && t == 250 ? unseen(cross) : cross) - 8. / 3 * s[2])};
  }
  return concat(s, 0);
}
Tensor babylonian(const Tensor& a, int steps, bool cut) {
  Tensor root = ones({}, DType::f64);
  for (int t = 0; t < steps; ++t) root = (cut && t == 1 ? unseen(root) : root) / 2 + a / (2 * root);
  return root;
}
Tensor power_iteration(const Tensors& x, bool constant_norm) {
  Tensor v = x[1];
  for (int t = 0; t < 30; ++t) {
    v = matmul(x[0], v);
    v = v / (constant_norm ? unseen(norm(v)) : norm(v));
  }
  return v;
}
Tensors symmetric_and_start() {
  return {wide({{2, 1, 0}, {1, 3, 1}, {0, 1, 1}}), wide({1, 0.5, -1})};
}
Tensor rotated(const Tensors& x, int missing_step) {  // by the angle x[1], 1,000 times
  Tensor a = slice(x[0], 0, 0, 1), b = slice(x[0], 0, 1, 2);
  for (int t = 0; t < 1'000; ++t) {
    const Tensor angle = t == missing_step ? unseen(x[1]) : x[1];
    const Tensor c = cos(angle), s = sin(angle), next = c * a - s * b;
    b = s * a + c * b;
    a = next;
  }
  return concat({a, b}, 0);
}
Tensor sum_of_copies(const Tensor& x, int lost) {
  Tensor total = zeros64({3});
  for (int i = 0; i < 1'000; ++i) total = total + (i == lost ? unseen(x) : x);
  return tanh(total / 1'000);
}
Tensor horner(const Tensors& x, int cut_at) {
  Tensor value = zeros64({});
  for (Index k = 200; k-- > 0;) {
    value = value * (k == cut_at ? unseen(x[1]) : x[1]) + reshape(slice(x[0], 0, k, k + 1), {});
  }
  return value;
}
Tensor normalised(const Tensor& x) {
  return layer_norm(x + 0.1 * sin(x), ones({6}, DType::f64), zeros64({6}));
}
Tensor round_trip(const Tensor& x) { return log(exp(x)); }
Tensor up_and_down(const Tensor& x) { return (x + 1e3) - 1e3; }
Tensor leaky(const Tensor& x) { return x + 0.001 * relu(x); }

HardFunctions right() {
  const Tensor x = wide({0.3, -1.2, 2});
  const Tensor square = wide({0.3, 0.6});
  return {
      {"x + 0.01 sin x, 1,000 times", chain(1'000, drift), {x}},
      {"logistic map with r = 2.5, 1,000 times",
       chain(1'000, logistic(2.5)),
       {square},
       {},
       "the map contracts by 1e-300: the result does not depend on x in f64"},
      {"logistic map with r = 2.5, 20 times", chain(20, logistic(2.5)), {square}},
      {"logistic map with r = 3.7, 30 times", chain(30, logistic(3.7)), {square}},
      {"logistic map with r = 4, 35 times",
       chain(35, logistic(4)),
       {square},
       {},
       "chaotic: only steps below 1e-10 are local, and rounding grows as much as the derivative"},
      {"1,000 nearly orthogonal matrices", chain(1'000, constant_matrix(4)), {random64({4}, 1)}},
      {"1,000 rotations by an angle",
       fn([](const Tensors& v) { return rotated(v, -1); }),
       {wide({1, 0.5}), wide({0.3})}},
      {"a recurrent network, 300 steps",
       fn([](const Tensors& v) { return recurrent(v, Flaw::none); }), recurrent_inputs()},
      {"200 steps of gradient descent",
       fn([](const Tensors& v) { return descent(v, false); }),
       {wide({1, -2}), wide({0.01})}},
      {"a pendulum, 500 steps",
       fn([](const Tensors& v) { return pendulum(v, false); }),
       {wide({3}), wide({0.1})}},
      {"Lorenz' equations, 300 steps",
       fn([](const Tensor& v) { return lorenz(v, false); }),
       {wide({1, 2, 20})}},
      {"a square root by iteration",
       fn([](const Tensor& v) { return babylonian(v, 10, false); }),
       {wide({2, 10})}},
      {"power iteration, 30 steps",
       fn([](const Tensors& v) { return power_iteration(v, false); }),
       symmetric_and_start(),
       {},
       "it converges: what is left of the start is 1e-8 beside 1"},
      {"0.99 x, 1,000 times", chain(1'000, [](const Tensor& v) { return 0.99 * v; }), {x}},
      {"1.01 x, 1,000 times", chain(1'000, [](const Tensor& v) { return 1.01 * v; }), {x}},
      {"log exp x, 200 times", chain(200, round_trip), {x}},
      {"x + 1,000 − 1,000, 500 times", chain(500, up_and_down), {x}},
      {"cos x, 100 times",
       chain(100, [](const Tensor& v) { return cos(v); }),
       {x},
       {},
       "the iteration contracts by 1e-17: the result hardly depends on x"},
      {"softmax, 50 times",
       chain(50, [](const Tensor& v) { return softmax(v); }),
       {x},
       {},
       "the iteration contracts by 1e-24: the result does not depend on x in f64"},
      {"layer_norm with a residual, 50 times", chain(50, normalised), {random64({2, 6}, 1)}},
      {"x + 0.001 relu x, 1,000 times, at 0", chain(1'000, leaky), {wide({0, 1, -1})}},
      {"the sum of 1,000 copies", fn([](const Tensor& v) { return sum_of_copies(v, -1); }), {x}},
      {"a polynomial of degree 199",
       fn([](const Tensors& v) { return horner(v, -1); }),
       {random64({200}, 1), wide({0.97})}},
  };
}

HardFunctions wrong() {
  const Tensor x = wide({0.3, -1.2, 2});
  const Tensor square = wide({0.3, 0.6});
  const GradcheckOptions plain = {.walk = false};  // the mistake lies between operations
  return {
      {"x + 0.01 sin x, 1% at step 500", chain(1'000, drift, 500, times(1.01)), {x}, plain},
      {"x + 0.01 sin x, 2e-5 at step 999", chain(1'000, drift, 999, times(1 + 2e-5)), {x}, plain},
      {"x + 0.01 sin x, 2e-8 in every step",
       chain(1'000, [](const Tensor& v) { return drift(planted(v, times(1 + 2e-8))); }),
       {x},
       plain},
      {"logistic map with r = 3.7, at step 29",
       chain(30, logistic(3.7), 29, times(1.001)),
       {square},
       plain},
      {"logistic map with r = 4, sign", chain(20, logistic(4), 10, times(-1)), {square}, plain},
      {"logistic map without x in 1 − x",
       chain(20, [](const Tensor& v) { return 2.5 * v * (1 - unseen(v)); }),
       {square},
       plain},
      {"1,000 nearly orthogonal matrices, one reversed",
       chain(1'000, constant_matrix(4), 700, reversed()),
       {random64({4}, 1)},
       plain},
      {"1,000 rotations, the angle of one is lost",
       fn([](const Tensors& v) { return rotated(v, 500); }),
       {wide({1, 0.5}), wide({0.3})},
       plain},
      {"a recurrent network, truncated",
       fn([](const Tensors& v) { return recurrent(v, Flaw::truncated); }), recurrent_inputs(),
       plain},
      {"a recurrent network, its last step is lost",
       fn([](const Tensors& v) { return recurrent(v, Flaw::last_step); }), recurrent_inputs(),
       plain},
      {"gradient descent, a rate is lost",
       fn([](const Tensors& v) { return descent(v, true); }),
       {wide({1, -2}), wide({0.01})},
       plain},
      {"a pendulum, its last step cut",
       fn([](const Tensors& v) { return pendulum(v, true); }),
       {wide({3}), wide({0.1})},
       plain},
      {"Lorenz' equations, a term is lost",
       fn([](const Tensor& v) { return lorenz(v, true); }),
       {wide({1, 2, 20})},
       plain},
      {"a square root by three iterations, one cut",
       fn([](const Tensor& v) { return babylonian(v, 3, true); }),
       {wide({2, 10})},
       plain},
      {"power iteration with constant norms",
       fn([](const Tensors& v) { return power_iteration(v, true); }), symmetric_and_start(), plain},
      {"0.99 x, 1,000 times, once 1%",
       chain(
           1'000, [](const Tensor& v) { return 0.99 * v; }, 3, times(1.01)),
       {x},
       plain},
      {"log exp x, once 1e-4", chain(200, round_trip, 100, times(1 + 1e-4)), {x}, plain},
      {"x + 1,000 − 1,000, once 1%", chain(500, up_and_down, 250, times(1.01)), {x}, plain},
      {"layer_norm with a residual, once shifted",
       chain(50, normalised, 49, shifted()),
       {random64({2, 6}, 1)},
       plain},
      {"x + 0.001 relu x, wrong beside the kink",
       chain(1'000, leaky, 10, times_at(1, 1.001)),
       {wide({0, 1, -1})},
       plain},
      {"the sum of 1,000 copies, one is lost",
       fn([](const Tensor& v) { return sum_of_copies(v, 77); }),
       {x},
       plain},
      {"a polynomial, one use of x is lost",
       fn([](const Tensors& v) { return horner(v, 5); }),
       {random64({200}, 1), wide({0.97})},
       plain},
      {"a polynomial, coefficients shifted",
       mistaken(fn([](const Tensors& v) { return horner(v, -1); }), shifted()),
       {random64({200}, 1), wide({0.97})},
       plain},
  };
}

}  // namespace

RightAndWrong with_chains() { return {right(), wrong()}; }

}  // namespace adjoint::testing
