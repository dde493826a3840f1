// Matrix products for the operations and the other kernels.
#pragma once

#include "autograd/dtype.h"

namespace adjoint::kernels {

/// A matrix in memory: its rows begin `stride` elements apart, and it may be read transposed.
template <Real T>
struct Matrix {
  const T* data;
  Index stride;
  bool transposed = false;

  Index row_step() const { return transposed ? 1 : stride; }
  Index column_step() const { return transposed ? stride : 1; }
  Matrix t() const { return {data, stride, !transposed}; }
  /// The submatrix that starts at this row and column.
  Matrix from(Index row, Index column) const {
    return {data + row * row_step() + column * column_step(), stride, transposed};
  }
};

/// C ← scale·A·B + bias, or C ← scale·A·B + bias + C with `add`. A is [rows, inner] and B
/// [inner, columns], both after transposition; C is [rows, columns], and its rows begin `stride`
/// elements apart. Without `add` C may hold anything before, even NaN.
template <Real T>
struct Product {
  Index rows, columns, inner;
  Matrix<T> a, b;
  T* c;
  Index stride;
  T scale = 1;
  bool add = false;
  const T* bias = nullptr;  ///< [columns], added to every row; or null

  /// Rows begin … begin + count − 1 of A and C.
  Product of_rows(Index begin, Index count) const {
    Product part = *this;
    part.rows = count;
    part.a = a.from(begin, 0);
    part.c = c + begin * stride;
    return part;
  }
  /// Columns begin … begin + count − 1 of B and C.
  Product of_columns(Index begin, Index count) const {
    Product part = *this;
    part.columns = count;
    part.b = b.from(0, begin);
    part.c = c + begin;
    if (bias) part.bias = bias + begin;
    return part;
  }
};

/// Spreads a large product over the pool in pieces that its sizes alone determine: the result has
/// the same bits on any number of threads.
template <Real T>
void matmul(const Product<T>& product);

/// The same on the calling thread alone, for the small products inside other kernels.
template <Real T>
void matmul_on_this_thread(const Product<T>& product);

}  // namespace adjoint::kernels
