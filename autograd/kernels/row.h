// A row times a matrix: what a layer does with one example, at each step of decoding. Reading the
// matrix takes nearly all of the time; both ways read it in the order in which it lies in memory.
#pragma once

#include "autograd/kernels/product.h"

namespace adjoint::kernels {

/// Products of one row:
///   x Wᵀ   y_j = ⟨x, w_j⟩      a dot product for each row of W
///   x B    y = Σ_k x_k b_k     a sum of the rows of B
template <Real T>
void multiply_row(const Product<T>& product);

template <Real T>
bool is_row(const Product<T>& p) {
  return p.rows == 1 && (!p.a.transposed || p.a.stride == 1);
}

}  // namespace adjoint::kernels
