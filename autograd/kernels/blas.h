// Matrix products: the only place that knows BLAS.
#pragma once

#include <string>

#include "autograd/dtype.h"

namespace adjoint::kernels {

/// A matrix as a product sees it: rows begin `stride` elements apart, and it may be read
/// transposed.
template <Real T>
struct Matrix {
  const T* data;
  Index stride;
  bool transposed = false;
};

/// C ← A·B + keep·C for A of [rows, inner], B of [inner, columns] (sizes after transposition) and C
/// of [rows, columns], whose rows begin `stride` elements apart. Large products are cut into fixed
/// panels of rows for the pool; BLAS itself always runs on the calling thread alone.
template <Real T>
void matmul(Index rows, Index columns, Index inner, Matrix<T> a, Matrix<T> b, T keep, T* c,
            Index stride);

/// C ← scale·A·B + keep·C likewise, never cut: for the small products inside of other kernels.
template <Real T>
void matmul_on_this_thread(Index rows, Index columns, Index inner, T scale, Matrix<T> a,
                           Matrix<T> b, T keep, T* c, Index stride);

/// The library's variant and core type, for --version and bug reports.
std::string blas_description();

}  // namespace adjoint::kernels
