// Products that BLAS is slow at, because it copies its operands first. Gains over BLAS, on AVX-512
// (Zen 4, OpenBLAS 0.3.21 with SkylakeX kernels, one thread), with the kernel and without it:
//   few rows, x Wᵀ by dot products    decoding 1.8×    bench-decode --config g2p-m --batch 4
//   x Wᵀ of 11 to 64 rows as (W xᵀ)ᵀ  decoding 1.36×   bench-decode --config g2p-s --batch 16
//   tiny, in tiles of registers       step 1.15×       bench-step --config micro
// AVX2 has the first one only: there BLAS is as fast as the others.
#pragma once

#include "autograd/kernels/matmul.h"
#include "autograd/kernels/registers.h"

namespace adjoint::kernels {

/// Multiplies and returns true if a kernel here is faster than BLAS; otherwise returns false.
template <Real T>
bool multiply_small(const Product<T>& product);

/// x Wᵀ, neither factor otherwise transposed, by dot products. A row of the result has the same
/// bits whatever rows are computed with it.
template <Real T>
void multiply_few_rows(const Product<T>& product);

constexpr Index most_few_rows = 10;

}  // namespace adjoint::kernels
