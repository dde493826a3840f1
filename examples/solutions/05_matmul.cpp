// The exercise of lesson 5: G = X Xᵀ holds the scalar products of all pairs of rows of X [rows,
// width]. Here X is used twice. Write X̄ as a product of Ḡ and X, and check it with check_vjp. When
// is it simply 2 Ḡ X?
//
// In C = A B let A = X and B = Xᵀ. Then
//   Ā = Ḡ Bᵀ = Ḡ X                     what X gets as the left factor
//   B̄ = Aᵀ Ḡ = Xᵀ Ḡ, so B̄ᵀ = Ḡᵀ X      what X gets as the right one, transposed back
//   X̄ = Ḡ X + Ḡᵀ X = (Ḡ + Ḡᵀ) X        uses add up
// If Ḡ is symmetric, this is 2 Ḡ X: the matrix form of (x²)' = 2 x.

#include <algorithm>

#include "examples/adjoint.h"
#include "examples/lesson.h"

namespace {

using namespace adjoint;
using lesson::claim;

constexpr Index rows = 3, width = 4;

Tensor gram(const Tensor& x) { return matmul(x, transpose(x)); }  // [rows, rows]
Tensor gram_vjp(const Tensor& x, const Tensor& g_bar) {           // [rows, width]
  return matmul(g_bar + transpose(g_bar), x);
}
Tensor for_symmetric(const Tensor& x, const Tensor& g_bar) { return 2 * matmul(g_bar, x); }

void write(const Tensor& x, std::span<double> to) {
  std::ranges::copy(x.values<double>(), to.begin());
}
GradcheckReport check(Tensor (*rule)(const Tensor&, const Tensor&), const Tensor& x) {
  const auto forward = [](auto& in, auto& out) { write(gram(from(in[0], {rows, width})), out[0]); };
  const auto backward = [&](auto& in, auto&, auto& bar, auto& gradients) {
    write(rule(from(in[0], {rows, width}), from(bar[0], {rows, rows})), gradients[0]);
  };
  const auto values = x.values<double>();
  return check_vjp(forward, backward, {{"X", x.shape(), {values.begin(), values.end()}}},
                   {{"G", {rows, rows}}});
}

void solution() {
  const Tensor x = variable(normal({rows, width}, 0, 1, Key(1), DType::f64), "X");
  const GradcheckReport report = check(gram_vjp, x);
  lesson::say(text_from(report));
  claim("X̄ = (Ḡ + Ḡᵀ) X is right", bool(report));
  claim("X̄ = 2 Ḡ X is wrong for some Ḡ", !check(for_symmetric, x));

  const Tensor g_bar = normal({rows, rows}, 0, 1, Key(2), DType::f64);
  const Tensor symmetric = g_bar + transpose(g_bar);
  const Tensor from_tape = grad(Tensors{gram(x)}, {x}, {symmetric})[0];
  claim("for a symmetric Ḡ, X̄ of the tape minus 2 Ḡ X",
        max(abs(from_tape - for_symmetric(x, symmetric))).item(), 0);
}

}  // namespace

int main(int argc, char** argv) { return lesson::run(argc, argv, solution); }
