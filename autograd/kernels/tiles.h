// Matrix products of our own, for sizes at which BLAS is far from what the processor can do.
#pragma once

#include "autograd/kernels/product.h"

namespace adjoint::kernels {

/// Each element is added up in the order of `inner`: a row of the result has the same bits whatever
/// other rows are computed so with it.
template <Real T>
void multiply_by_tiles(const Product<T>& product);

/// By measurement (tests/benchmarks, table `operations`): with registers of 64 bytes, for all
/// products of matrices that have more than a few rows (few_rows.h), with registers of 32 bytes for
/// small ones. A column is left to BLAS: such a product is bound by memory.
template <Real T>
bool tiles_are_faster(const Product<T>& product);

}  // namespace adjoint::kernels
