// Matrix products of our own, for sizes at which BLAS is far from what the processor can do.
#pragma once

#include "autograd/kernels/product.h"

namespace adjoint::kernels {

/// Each element of the result is added up in the order of `inner`, whatever the other sizes are:
/// the rows of a product have the same bits however it is cut.
template <Real T>
void multiply_by_tiles(const Product<T>& product);

/// By measurement (tests/benchmarks, table `products`): with registers of 64 bytes, for all
/// products of matrices; those with a vector are bound by memory, and BLAS reads it well.
template <Real T>
bool tiles_are_faster(const Product<T>& product);

}  // namespace adjoint::kernels
