#include "examples/experiments/questions/linear_probe.h"

#include <algorithm>
#include <cmath>

#include "autograd/ops.h"

namespace adjoint::experiments {
namespace {

Index count_of(const Tensor& numbers) { return 1 + std::ranges::max(numbers.values<Index>()); }

// The X with A X = B, for a symmetric positive definite A [n, n] and B [n, columns]: Cholesky's
// A = L Lᵀ, then L Y = B and Lᵀ X = Y, all in place.
Tensor solved(const Tensor& matrix, const Tensor& right_side) {
  const Index n = matrix.size(0), columns = right_side.size(1);
  Tensor lower = copy(matrix), solution = copy(right_side);
  double* const l = lower.edit<double>().data();
  double* const x = solution.edit<double>().data();
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j <= i; ++j) {
      double rest = l[i * n + j];
      for (Index k = 0; k < j; ++k) rest -= l[i * n + k] * l[j * n + k];
      l[i * n + j] = i == j ? std::sqrt(rest) : rest / l[j * n + j];
    }
  const auto eliminate = [&](Index row, Index other, double factor) {
    for (Index c = 0; c < columns; ++c) x[row * columns + c] -= factor * x[other * columns + c];
  };
  const auto divide = [&](Index row) {
    for (Index c = 0; c < columns; ++c) x[row * columns + c] /= l[row * n + row];
  };
  for (Index i = 0; i < n; divide(i++))
    for (Index k = 0; k < i; ++k) eliminate(i, k, l[i * n + k]);
  for (Index i = n; i-- > 0; divide(i))
    for (Index k = i + 1; k < n; ++k) eliminate(i, k, l[k * n + i]);
  return solution;
}

}  // namespace

double linear_probe(const Tensor& rows, const Tensor& classes, const Tensor& folds) {
  require(rows.rank() == 2 && rows.numel() > 0 && classes.shape() == Shape{rows.size(0)} &&
              folds.shape() == classes.shape(),
          "linear probe: needs rows [rows, features] with a class and a fold each, got ",
          rows.shape(), ", ", classes.shape(), " and ", folds.shape());
  const Index count = rows.size(0), width = rows.size(1), fold_count = count_of(folds);
  require(fold_count > 1, "linear probe: one fold leaves no row to fit the classifier to");

  const Tensor raw = cast(detach(rows), DType::f64);
  const Tensor scaled = (raw - mean(raw, {0})) / (sqrt(variance(raw, {0})) + 1e-6);
  const Tensor x = concat({scaled, ones({count, 1}, DType::f64)}, 1);  // [rows, width + 1]
  const Tensor y = one_hot(classes, count_of(classes), DType::f64);    // [rows, classes]
  // Keeps the problem solvable if features depend on each other.
  const Tensor ridge = 1e-9 * static_cast<double>(count) * eye(width + 1, DType::f64);

  Tensor right = zeros({count}, DType::f64);
  for (Index fold = 0; fold < fold_count; ++fold) {
    const Tensor in_fold = equal(folds, scalar(fold, DType::i64));  // b8 [rows]
    const Tensor held_out = reshape(cast(in_fold, DType::f64), {count, 1});
    const Tensor fitted = x * (1 - held_out);  // rows of zeros count for nothing
    const Tensor weights = solved(matmul(fitted, x, Transposed::a) + ridge,
                                  matmul(fitted, y, Transposed::a));  // [width + 1, classes]
    const Tensor found = argmax(matmul(x, weights));                  // [rows]
    right = right + reshape(held_out, {count}) * cast(equal(found, classes), DType::f64);
  }
  return 100 * mean(right).item();
}

}  // namespace adjoint::experiments
