// Why a gradient cannot be had: sentences for the messages of grad(), each with its remedy.
#pragma once

#include <string>

#include "autograd/tensor.h"

namespace adjoint {

/// Why x is not tracked, and what to do.
std::string cause_text(const Tensor& x);

/// Why none of the ys depends on x, which is tracked: what the tape tells.
std::string independence_text(const Tensors& ys, const Tensor& x);

}  // namespace adjoint
