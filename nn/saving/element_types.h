// The element types of safetensors files. F32, F64, I64 and BOOL are those of tensors; the narrower
// ones are widened to them when they are read, exactly.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "autograd/tensor.h"

namespace adjoint::nn {

struct ElementType {
  std::string_view code;  ///< in the header: "BF16"
  DType dtype;            ///< what it is read as
  std::size_t bytes;      ///< of an element in the file
};

/// Error, naming the types that can be read, for a code that is unknown, or known but unreadable.
const ElementType& element_type(const std::string& code);
/// The type that tensors of this dtype are written as.
const ElementType& element_type(DType dtype);

/// A tensor of `type.dtype` from the bytes of a file, little-endian; their number is that of the
/// shape. NaN, infinities and subnormal numbers are kept. Error for a U64 beyond 2^63 − 1 and for a
/// BOOL that is neither 0 nor 1.
Tensor tensor_of(const ElementType& type, const Shape& shape, std::string_view bytes);

}  // namespace adjoint::nn
