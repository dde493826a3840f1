// Matrix products of our own, for sizes at which BLAS is far from what the processor can do.
#pragma once

#include "autograd/kernels/product.h"

namespace adjoint::kernels {

/// Each element is added up in the order of `inner`: a row of the result has the same bits whatever
/// other rows are computed with it.
template <Real T>
void multiply_by_tiles(const Product<T>& product);

/// By measurement (tests/benchmarks, table `operations`): with registers of 64 bytes, for all
/// products of matrices, with registers of 32 bytes for small ones. Those with a vector are bound
/// by memory: a row has a kernel of its own (few_rows.h), a column is left to BLAS.
template <Real T>
bool tiles_are_faster(const Product<T>& product);

}  // namespace adjoint::kernels
