// Lesson 5: matrix products and their two transposes.
//
// After it you can derive the gradients of a matrix product, tell which factor is transposed, and
// find the mistake that the shapes let through. It takes 20 minutes, and the exercise 10 more. It
// builds on lessons 3 (uses add up) and 4 (tensors).

#include <algorithm>

#include "adjoint.h"
#include "examples/lesson.h"

namespace {

using namespace adjoint;
using lesson::claim, lesson::part, lesson::predict, lesson::say;

double& element(Tensor& x, Index row, Index column) {
  return x.edit<double>()[static_cast<std::size_t>(row * x.size(1) + column)];
}

// Ā and B̄ for C = A B, that is c_ij = Σ_k a_ik b_kj, with A [rows, inner] and B [inner, columns].
// Each product a_ik b_kj sends c̄_ij b_kj to a_ik and c̄_ij a_ik to b_kj.
Tensors by_element(const Tensor& a, const Tensor& b, const Tensor& c_bar) {
  Tensor a_bar = zeros(a.shape(), DType::f64), b_bar = zeros(b.shape(), DType::f64);
  for (Index i = 0; i < a.size(0); ++i)
    for (Index j = 0; j < b.size(1); ++j)
      for (Index k = 0; k < a.size(1); ++k) {
        element(a_bar, i, k) += c_bar.at({i, j}) * b.at({k, j});
        element(b_bar, k, j) += a.at({i, k}) * c_bar.at({i, j});
      }
  return {a_bar, b_bar};
}

// The same by two matrix products.
Tensors by_products(const Tensor& a, const Tensor& b, const Tensor& c_bar) {
  return {matmul(c_bar, transpose(b)),   // [rows, columns] [columns, inner] → [rows, inner]
          matmul(transpose(a), c_bar)};  // [inner, rows] [rows, columns] → [inner, columns]
}

// The planted bug: B is not transposed.
Tensors transpose_forgotten(const Tensor& a, const Tensor& b, const Tensor& c_bar) {
  return {matmul(c_bar, b), matmul(transpose(a), c_bar)};
}

// check_vjp moves each element of A and B a little, looks at how C = A B changes, and compares that
// with what the rule returns for some C̄. It can check code from anywhere, so it works on plain
// arrays of doubles: in[0] is A, in[1] is B, out[0] and bar[0] are C and C̄, and result takes Ā and
// B̄. from() makes a tensor of an array and a shape, and write() does the reverse. B is square here.
GradcheckReport check(Tensors (*rule)(const Tensor& a, const Tensor& b, const Tensor& c_bar)) {
  const Shape a{2, 3}, b{3, 3}, c{2, 3};
  auto write = [](const Tensor& x, auto to) { std::ranges::copy(x.values<double>(), to.begin()); };
  const auto forward = [&](auto& in, auto& out) {
    write(matmul(from(in[0], a), from(in[1], b)), out[0]);
  };
  const auto backward = [&](auto& in, auto& /* out */, auto& bar, auto& result) {
    const Tensors bars = rule(from(in[0], a), from(in[1], b), from(bar[0], c));
    for (std::size_t i = 0; i < 2; ++i) write(bars[i], result[i]);
  };
  return check_vjp(forward, backward,
                   {{"A", a, {0.5, -1, 2, 1.5, 0.3, -0.7}},
                    {"B", b, {1, -0.5, 0.2, 0.8, 2, -1.5, 0.4, 0.6, -1}}},
                   {{"C", c}});
}

// Standard normal numbers. A Key is what others call a seed: the same key, the same numbers.
Tensor random_matrix(Index rows, Index columns, const char* name) {
  return variable(normal({rows, columns}, 0, 1, Key(5).child(name), DType::f64), name);
}
double distance(const Tensor& x, const Tensor& y) { return max(abs(x - y)).item(); }

void two_transposes() {
  part("Two transposes");
  say("C = A B means c_ij = Σ_k a_ik b_kj. Let A be [2, 3] and B [3, 4]; then C is [2, 4]. Going "
      "back, C̄ is given. The product a_ik b_kj sends c̄_ij b_kj to a_ik, and c̄_ij a_ik to b_kj. It "
      "is one of many: a_ik is used for each column j, b_kj for each row i, and uses add up:\n");
  say("  ā_ik = Σ_j c̄_ij b_kj      b̄_kj = Σ_i a_ik c̄_ij");
  predict("both are matrix products. Of what? Which factor is transposed, and why?");
  say("A matrix product sums over the second index of its left factor and the first of its right "
      "one. In Σ_j c̄_ij b_kj, j is the second index of b, too. So B is transposed: Ā = C̄ Bᵀ. In "
      "Σ_i a_ik c̄_ij, i is the first index of a, too. So A is transposed: B̄ = Aᵀ C̄. The shapes "
      "fit: [2, 4] times [4, 3] is [2, 3], and [3, 2] times [2, 4] is [3, 4]. (Below, 1e-16 is "
      "rounding.)");
  const Tensor a = random_matrix(2, 3, "A"), b = random_matrix(3, 4, "B");
  const Tensor c = matmul(a, b), c_bar = random_matrix(2, 4, "C bar");
  // This sweep starts from a matrix instead of a loss, so it has to be told the gradient of C.
  const Tensors tape = grad(Tensors{c}, {a, b}, {c_bar});
  const Tensors elements = by_element(a, b, c_bar), products = by_products(a, b, c_bar);
  claim("Ā of the tape minus that of by_element", distance(tape[0], elements[0]), 0);
  claim("B̄ of the tape minus that of by_element", distance(tape[1], elements[1]), 0);
  claim("Ā of the tape minus C̄ Bᵀ", distance(tape[0], products[0]), 0);
  claim("B̄ of the tape minus Aᵀ C̄", distance(tape[1], products[1]), 0);
  say("Each product going forward costs two of the same size going back. And they read A and B, so "
      "the tape keeps both until then.");
}

void a_batch() {
  part("A batch");
  predict(
      "a layer computes Y = X W, and each row of X is an example. The loss is the sum of Y, and 5 "
      "examples are equal. How does W̄ compare with the W̄ of one of them alone?");
  const Tensor x = random_matrix(1, 3, "x"), w = random_matrix(3, 2, "W");
  const Tensor of_one = grad(sum(matmul(x, w)), {w})[0];
  const Tensor of_five = grad(sum(matmul(broadcast_to(x, {5, 3}), w)), {w})[0];
  claim("W̄ of five rows minus 5 times W̄ of one", distance(of_five, 5 * of_one), 0);
  say("W̄ = Xᵀ Ȳ sums over the rows: every example uses the same W, and uses add up. So a loss is "
      "divided by the number of examples; otherwise a larger batch would take larger steps.");
}

void break_and_repair() {
  part("Break: a transpose forgotten, Ā = C̄ B");
  const Tensor a = zeros({2, 3}), b = zeros({3, 4}), c_bar = zeros({2, 4});
  const std::string message = lesson::error_of([&] { transpose_forgotten(a, b, c_bar); });
  say("If B is not square, the product itself objects:\n  " + message);
  claim("the message is about sizes", message.starts_with("matmul: inner sizes differ"));
  say("If B is square, every shape fits, and nothing stops. Only a check can tell. In its report, "
      "`analytic` is what the rule returned, `numeric` what the differences found, with an error "
      "of about ±. The cotangent C[0, 1] is a C̄ of zeros with a 1 at that place; random 2 is one "
      "of random numbers. A Taylor rate is a second test; it should be 2.\n");
  const GradcheckReport broken = check(transpose_forgotten);
  say(text_from(broken));
  claim("the check fails", !broken);
  const auto of_a = [](const Finding& finding) { return finding.where.starts_with("A["); };
  claim("the wrong elements are those of A", std::ranges::all_of(broken.findings, of_a));
  claim("the diagnosis says \"transposed\"", text_from(broken).find("transposed") != message.npos);
  say("In the line of A[0, 0], C̄ is 1 at [0, 1], so Ā[0, 0] should be c̄₀₁ b₀₁ = −0.5. The rule "
      "returned b₁₀ = 0.8, from across the diagonal: B was not transposed. The report's last line "
      "is the diagnosis; the operand that it means is B.");

  part("Repair: Ā = C̄ Bᵀ");
  const GradcheckReport repaired = check(by_products);
  say(text_from(repaired));
  claim("the same check passes", bool(repaired));
}

void lesson_of_matmul() {
  two_transposes();
  a_batch();
  break_and_repair();
}

}  // namespace

int main(int argc, char** argv) { return lesson::run(argc, argv, lesson_of_matmul); }

// Break it yourself: change the first += in by_element to =. The first claim fails.
//
// Exercise: G = X Xᵀ holds the scalar products of all pairs of rows of X [rows, width]. Here X is
// used twice. Write X̄ as a product of Ḡ and X, and check it with check_vjp. When is it simply 2 Ḡ
// X? The solution is examples/solutions/05_matmul.cpp.
