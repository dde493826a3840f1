// A matrix product as the kernels see it: where its matrices lie, and what becomes of the result.
#pragma once

#include "autograd/kernels/registers.h"

namespace adjoint::kernels {

/// A matrix in memory: rows begin `stride` elements apart, and it may be read transposed.
template <Real T>
struct Matrix {
  const T* data;
  Index stride;
  bool transposed = false;

  Index row_step() const { return transposed ? 1 : stride; }
  Index column_step() const { return transposed ? stride : 1; }
  /// What is left of it from this row and column on.
  Matrix from(Index row, Index column) const {
    return {data + row * row_step() + column * column_step(), stride, transposed};
  }
};

/// C ← scale·A·B + keep·C + bias for A of [rows, inner] and B of [inner, columns] (sizes after
/// transposition) and C of [rows, columns], whose rows begin `stride` elements apart.
/// With keep = 0 it does not matter what C held, not even if it was NaN.
template <Real T>
struct Product {
  Index rows, columns, inner;
  Matrix<T> a, b;
  T* c;
  Index stride;
  T scale = 1, keep = 0;
  const T* bias = nullptr;  ///< [columns], added to every row; or null

  /// The same for `count` rows of A and C only.
  Product of_rows(Index begin, Index count) const {
    Product result = *this;
    result.rows = count;
    result.a = a.from(begin, 0);
    result.c = c + begin * stride;
    return result;
  }
  /// The same for `count` columns of B and C only.
  Product of_columns(Index begin, Index count) const {
    Product result = *this;
    result.columns = count;
    result.b = b.from(0, begin);
    result.c = c + begin;
    if (bias) result.bias = bias + begin;
    return result;
  }
};

/// What becomes of sums, for `count` elements of row i from column j on:
///   c ← scale·sum + keep·c + bias
template <Real T>
void finish(const Product<T>& p, Index i, Index j, const Register<T>& sum, Index count) {
  T* const to = p.c + i * p.stride + j;
  Register<T> c = p.scale * sum;
  if (p.keep != 0) c += p.keep * load_first(to, count);
  if (p.bias) c += load_first(p.bias + j, count);
  store_first(to, c, count);
}

}  // namespace adjoint::kernels
