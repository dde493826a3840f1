// Explains a missing gradient: texts for the messages of grad(), each with its remedy.
#pragma once

#include <string>

#include "autograd/tensor.h"

namespace adjoint {

/// Why x is not tracked, and the remedy.
std::string cause_text(const Tensor& x);

/// Why none of the ys depends on the tracked x, as far as the tape shows.
std::string independence_text(const Tensors& ys, const Tensor& x);

}  // namespace adjoint
