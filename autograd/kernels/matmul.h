// Matrix products, by whatever is fastest for their size on this processor.
#pragma once

#include "autograd/kernels/product.h"

namespace adjoint::kernels {

/// Large products are cut into fixed pieces for the pool.
template <Real T>
void matmul(const Product<T>& product);

/// Never cut: for the small products inside of other kernels.
template <Real T>
void matmul_on_this_thread(const Product<T>& product);

}  // namespace adjoint::kernels
