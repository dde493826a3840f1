// Matrix products by BLAS. `blas.cpp` is the only file that includes cblas.h.
#pragma once

#include <string>

#include "autograd/kernels/matmul.h"

namespace adjoint::kernels {

/// BLAS runs on the calling thread alone. Error when a size exceeds what BLAS can take.
template <Real T>
void multiply_by_blas(const Product<T>& product);

/// The library's variant and core type, for --version and bug reports.
std::string blas_description();

}  // namespace adjoint::kernels
