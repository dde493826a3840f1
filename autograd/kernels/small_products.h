// Matrix products that BLAS is slow at: those that are over before it has copied its operands.
//
// GAIN
#pragma once

#include "autograd/kernels/matmul.h"
#include "autograd/kernels/registers.h"

namespace adjoint::kernels {

/// Multiplies and returns true if one of the kernels here is faster than BLAS; else returns false.
template <Real T>
bool multiply_small(const Product<T>& product);

/// x Wᵀ by dot products, whatever its size. A row has the same bits whatever rows are computed with
/// it.
template <Real T>
void multiply_few_rows(const Product<T>& product);

constexpr Index most_few_rows = 10;

}  // namespace adjoint::kernels
