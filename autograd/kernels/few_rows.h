// A few rows times a matrix: what a layer does with one example, a row at each step of decoding and
// a sentence in the encoder. Reading the matrix takes much of the time; each way reads it in the
// order in which it lies in memory, and once.
#pragma once

#include "autograd/kernels/product.h"

namespace adjoint::kernels {

/// Products of which is_few_rows holds:
///   x Wᵀ   y_j = ⟨x, w_j⟩      dot products, of several rows of x and of W at a time
///   x B    y = Σ_k x_k b_k     a sum of the rows of B, for a single x
/// A row of x Wᵀ has the same bits whatever other rows are computed so with it.
template <Real T>
void multiply_few_rows(const Product<T>& product);

/// By measurement: more rows are multiplied faster by tiles or BLAS, and so are more than a handful
/// where the dot products are short, or the registers.
constexpr Index few_rows = register_bytes > 16 ? 10 : 1, handful = register_bytes > 16 ? 4 : 1;
constexpr Index long_dot_product = 128;

template <Real T>
bool is_few_rows(const Product<T>& p) {
  if (p.rows == 1) return !p.a.transposed || p.a.stride == 1;
  return p.rows > 0 && p.rows <= (p.inner >= long_dot_product ? few_rows : handful) &&
         p.b.transposed && !p.a.transposed;
}

}  // namespace adjoint::kernels
