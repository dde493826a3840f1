// Terms that cancel: rounding in what is computed on the way exceeds the result, and the derivative
// may be exactly 0.
#include <cmath>

#include "tests/autograd/gradcheck/hard_functions/planting.h"

namespace adjoint::testing {
namespace {

Tensor equal_numbers() { return full64({5}, 3.7); }
Tensor some() { return wide({0.3, -1.1, 0.7, 1.9}); }
Tensor mse(const Tensor& a, const Tensor& b) { return mean(pow(a - b, 2)); }
Tensor soft_cross_entropy(const Tensor& logits, const Tensor& p) {
  return -sum(p * log_softmax(logits));
}
Tensor kl(const Tensor& p, const Tensor& q) { return sum(p * (log(p) - log(q))); }
Tensor quadratic_form(const Tensor& m, const Tensor& x) { return sum(x * matmul(m, x)); }
Tensor rosenbrock(const Tensor& x) {
  const Tensor a = slice(x, 0, 0, 1), b = slice(x, 0, 1, 2);
  return pow(1 - a, 2) + 100 * pow(b - a * a, 2);
}
Tensor determinant(const Tensor& m) {
  const Tensors entries = split(reshape(m, {4}), 0, {1, 1, 1, 1});
  return entries[0] * entries[3] - entries[1] * entries[2];
}
Tensor cosine(const Tensors& x) { return sum(x[0] * x[1]) / (norm(x[0]) * norm(x[1])); }
Tensor residuals(const Tensors& x) { return sum(pow(matmul(x[0], x[1]) - x[2], 2)); }
// Σ x²/n − mean², as in textbooks that warn of it.
Tensor naive_variance(const Tensor& x) { return mean(x * x) - pow(mean(x), 2); }

HardFunctions right() {
  const Tensor x = some();
  const Tensor design = random64({6, 3}, 1), solution = random64({3, 1}, 2);
  return {
      {"variance of equal numbers",
       fn([](const Tensor& v) { return variance(v); }),
       {equal_numbers()}},
      {"variance of nearly equal numbers",
       fn([](const Tensor& v) { return variance(v); }),
       {equal_numbers() + 1e-9 * grid(0, 1, 5)}},
      {"naive variance of equal numbers", fn(naive_variance), {equal_numbers()}},
      {"naive variance of numbers near 1,000", fn(naive_variance), {some() + 1e3}},
      {"log exp x − x",
       fn([](const Tensor& v) { return log(exp(v)) - v; }),
       {x},
       {},
       "both the derivative and the change of f are rounding"},
      {"(x + 1e8) − 1e8", fn([](const Tensor& v) { return (v + 1e8) - 1e8; }), {x}},
      {"(x + 1e15) − 1e15", fn([](const Tensor& v) { return (v + 1e15) - 1e15; }), {x}},
      {"mean squared error at its optimum",
       fn([](const Tensors& v) { return mse(v[0], v[1]); }),
       {x, x},
       {.order = 2}},
      {"mean squared error near its optimum",
       fn([](const Tensors& v) { return mse(v[0], v[1]); }),
       {x, x + 1e-9}},
      {"cross entropy at its optimum",
       fn([](const Tensor& v) { return soft_cross_entropy(v, softmax(some())); }),
       {x}},
      {"Kullback-Leibler divergence of equals",
       fn([](const Tensors& v) { return kl(softmax(v[0]), softmax(v[1])); }),
       {x, x}},
      {"layer_norm of constant rows",
       fn([](const Tensors& v) { return layer_norm(v[0], v[1], v[2]); }),
       {full64({2, 4}, 5), random64({4}, 1), random64({4}, 2)}},
      {"layer_norm of nearly constant rows",
       fn([](const Tensors& v) { return layer_norm(v[0], v[1], v[2]); }),
       {5 + 1e-6 * random64({2, 4}, 3), random64({4}, 1), random64({4}, 2)}},
      {"rms_norm of zeros",
       fn([](const Tensors& v) { return rms_norm(v[0], v[1]); }),
       {zeros64({2, 4}), random64({4}, 1)}},
      {"softmax minus itself", fn([](const Tensor& v) { return softmax(v) - softmax(v); }), {x}},
      {"the sum of softmax", fn([](const Tensor& v) { return sum(softmax(v)); }), {x}},
      {"sin² + cos²", fn([](const Tensor& v) { return pow(sin(v), 2) + pow(cos(v), 2); }), {x}},
      {"x − mean x of equal numbers",
       fn([](const Tensor& v) { return v - mean(v); }),
       {equal_numbers()}},
      {"a b − b a", fn([](const Tensors& v) { return v[0] * v[1] - v[1] * v[0]; }), {x, 2 * x}},
      {"a Hilbert matrix times x",
       fn([](const Tensors& v) { return matmul(hilbert(8), v[0]); }),
       {random64({8}, 1)}},
      {"a quadratic form of a Hilbert matrix",
       fn([](const Tensors& v) { return quadratic_form(v[0], v[1]); }),
       {hilbert(8), random64({8}, 1)}},
      {"a Hilbert form that nearly vanishes",
       fn([](const Tensor& v) { return quadratic_form(hilbert(6), v); }),
       // Near the eigenvector of its smallest eigenvalue, 1.1e-7.
       {wide({-0.00124819, 0.03560664, -0.24067908, 0.62546039, -0.68980720, 0.27160545})}},
      {"Hilbert forms that cancel",
       fn([](const Tensor& v) {
         return quadratic_form(hilbert(6), v) - sum(v * matmul(v, hilbert(6)));
       }),
       {random64({6}, 1)}},
      {"exp(x) − 1 at 1e-9", fn([](const Tensor& v) { return exp(v) - 1; }), {wide({1e-9, -1e-9})}},
      {"1 − cos x at 1e-5", fn([](const Tensor& v) { return 1 - cos(v); }), {wide({1e-5, 1e-3})}},
      {"√(1 + x) − 1 at 1e-9",
       fn([](const Tensor& v) { return sqrt(1 + v) - 1; }),
       {wide({1e-9, 1e-3})}},
      {"logsumexp − max",
       fn([](const Tensor& v) { return logsumexp(v) - max(v); }),
       {wide({100, 60, 3})},
       {},
       "the derivative, 4e-18, is far below the rounding of the terms"},
      {"determinant of a singular matrix", fn(determinant), {wide({{1, 2}, {2, 4}})}},
      {"cosine of equal vectors", fn(cosine), {x, x}},
      {"least squares at the optimum", fn(residuals), {design, solution, matmul(design, solution)}},
      {"Rosenbrock's function at its minimum", fn(rosenbrock), {wide({1, 1})}},
      {"x⁴ at 0", fn([](const Tensor& v) { return pow(v, 4); }), {zeros64({3})}},
      {"x⁴ beside 0", fn([](const Tensor& v) { return pow(v, 4); }), {wide({1e-5, 1e-3})}},
      {"(1 − x)⁷ expanded, near 1",
       fn([](const Tensor& v) {
         return 1 - 7 * v + 21 * pow(v, 2) - 35 * pow(v, 3) + 35 * pow(v, 4) - 21 * pow(v, 5) +
                7 * pow(v, 6) - pow(v, 7);
       }),
       {wide({1.001, 0.7})},
       {},
       "at 1.001 its derivative, 7e-18, is far below the rounding of its terms"},
  };
}

HardFunctions wrong() {
  const Tensor x = some();
  const Tensor design = random64({6, 3}, 1), solution = random64({3, 1}, 2);
  return {
      {"variance of equal numbers with a gradient",
       fn([](const Tensor& v) { return variance(v) + 1e-3 * ghost(sum(v)); }),
       {equal_numbers()}},
      {"variance of nearly equal numbers without 2",
       mistaken(fn([](const Tensor& v) { return variance(v); }), times(0.5)),
       {equal_numbers() + 1e-3 * grid(0, 1, 5)}},
      {"unbiased for biased variance",
       mistaken(fn([](const Tensor& v) { return variance(v); }), times(5. / 4)),
       {random64({5}, 1)}},
      {"log exp x − x without x", fn([](const Tensor& v) { return log(exp(v)) - unseen(v); }), {x}},
      {"(x + 1e8) − 1e8 without a gradient",
       mistaken(fn([](const Tensor& v) { return (v + 1e8) - 1e8; }), times_at(0, 0)),
       {x}},
      {"1 − cos x at 1e-5 without a gradient",
       mistaken(fn([](const Tensor& v) { return 1 - cos(v); }), times_at(0, 0)),
       {wide({1e-5, 1e-3})}},
      {"√(1 + x) − 1 at 1e-9 without a gradient",
       mistaken(fn([](const Tensor& v) { return sqrt(1 + v) - 1; }), times_at(0, 0)),
       {wide({1e-9, 1e-3})}},
      {"(x + 1e8) − 1e8, 1% too large",
       mistaken(fn([](const Tensor& v) { return (v + 1e8) - 1e8; }), times(1.01)),
       {x}},
      {"mean squared error at its optimum with a gradient",
       fn([](const Tensors& v) { return mse(v[0], v[1]) + 1e-3 * ghost(sum(v[0])); }),
       {x, x}},
      {"mean squared error without the factor 2",
       mistaken(fn([](const Tensors& v) { return mse(v[0], v[1]); }), times(0.5)),
       {x, x + 0.1}},
      {"mean squared error, the target is a constant",
       fn([](const Tensors& v) { return mse(v[0], unseen(v[1])); }),
       {x, x + 1e-3}},
      {"cross entropy at its optimum, p for p − q",
       fn([](const Tensor& v) {
         return disguised(soft_cross_entropy(v, softmax(some())), logsumexp(v));
       }),
       {x}},
      {"Kullback-Leibler divergence, the term of q missing",
       fn([](const Tensors& v) { return kl(softmax(v[0]), unseen(softmax(v[1]))); }),
       {x, -x}},
      {"layer_norm of constant rows, mean forgotten",
       fn([](const Tensors& v) {
         return disguised(layer_norm(v[0], v[1], v[2]), v[0] * unseen(v[1]) / std::sqrt(1e-5));
       }),
       {full64({2, 4}, 5), random64({4}, 1), random64({4}, 2)}},
      {"rms_norm of zeros, epsilon forgotten",
       mistaken(fn([](const Tensors& v) { return rms_norm(v[0], v[1]); }), times(std::sqrt(1e-5))),
       {zeros64({2, 4}), random64({4}, 1)}},
      {"softmax minus a constant copy",
       fn([](const Tensor& v) { return softmax(v) - unseen(softmax(v)); }),
       {x}},
      {"the sum of softmax with a constant sum",
       fn([](const Tensor& v) { return sum(exp(v) / unseen(sum(exp(v)))); }),
       {x}},
      {"sin² + cos² without cos",
       fn([](const Tensor& v) { return pow(sin(v), 2) + pow(unseen(cos(v)), 2); }),
       {x}},
      {"x − mean x of equal numbers, the mean is a constant",
       fn([](const Tensor& v) { return v - unseen(mean(v)); }),
       {equal_numbers()}},
      {"a Hilbert matrix times x, one element",
       mistaken(fn([](const Tensors& v) { return matmul(hilbert(8), v[0]); }), times_at(7, 1.001)),
       {random64({8}, 1)}},
      {"a Hilbert form that nearly vanishes, without 2",
       mistaken(fn([](const Tensor& v) { return quadratic_form(hilbert(6), v); }), times(0.5)),
       {wide({-0.00124819, 0.03560664, -0.24067908, 0.62546039, -0.68980720, 0.27160545})}},
      {"a quadratic form, symmetry assumed",
       fn([](const Tensors& v) {
         return disguised(quadratic_form(v[0], v[1]), 2 * sum(v[1] * unseen(matmul(v[0], v[1]))));
       }),
       {hilbert(4) + with_element(zeros64({4, 4}), 1, 0.01), random64({4}, 1)}},
      {"exp(x) − 1 at 1e-9, 1% too large",
       mistaken(fn([](const Tensor& v) { return exp(v) - 1; }), times(1.01)),
       {wide({1e-9, -1e-9})}},
      {"1 − cos x at 1e-5 with a gradient of x²",
       mistaken(fn([](const Tensor& v) { return 1 - cos(v); }), times(2)),
       {wide({1e-5, 1e-3})}},
      {"determinant of a singular matrix, one sign",
       fn([](const Tensor& v) { return determinant(planted(v, times_at(1, -1))); }),
       {wide({{1, 2}, {2, 4}})}},
      {"determinant, transposed cofactors",
       fn([](const Tensor& v) {
         return determinant(
             planted(v, [](const Tensor& g, const Tensor&) { return transpose(g); }));
       }),
       {wide({{1, 2}, {3, 4}})}},
      {"cosine of equal vectors, norms are constants",
       fn([](const Tensors& v) { return sum(v[0] * v[1]) / unseen(norm(v[0]) * norm(v[1])); }),
       {x, x}},
      {"least squares at the optimum with a gradient of the fit",
       fn([](const Tensors& v) { return residuals(v) + 1e-4 * ghost(sum(matmul(v[0], v[1]))); }),
       {design, solution, matmul(design, solution)}},
      {"Rosenbrock's function at its minimum, pulled aside",
       fn([](const Tensor& v) { return rosenbrock(v) + 1e-3 * ghost(v); }),
       {wide({1, 1})}},
      {"Rosenbrock's function without a²",
       fn([](const Tensor& v) {
         const Tensor a = slice(v, 0, 0, 1), b = slice(v, 0, 1, 2);
         return pow(1 - a, 2) + 100 * pow(b - unseen(a * a), 2);
       }),
       {wide({-1.2, 1})}},
      {"x⁴ at 0 with derivative 1",
       fn([](const Tensor& v) { return pow(v, 4) + ghost(v); }),
       {zeros64({3})}},
  };
}

}  // namespace

RightAndWrong with_cancellation() { return {right(), wrong()}; }

}  // namespace adjoint::testing
