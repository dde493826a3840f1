// The element types of safetensors files. Tensors have F32, F64, I64 and BOOL. The other types are
// converted to these when they are read, exactly.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "autograd/tensor.h"

namespace adjoint::nn {

/// One element type of safetensors, and the type that it is read as.
struct ElementType {
  std::string_view code;  ///< in the header: "BF16"
  DType dtype;            ///< the type of the tensor that it becomes
  std::size_t bytes;      ///< per element in the file
};

/// Error if the type is unknown or cannot be read. It names the types that can.
const ElementType& element_type(const std::string& code);
/// The type that tensors of this dtype are written in.
const ElementType& element_type(DType dtype);

/// A tensor of `type.dtype` from little-endian bytes of a file, as many as the shape needs. NaN,
/// infinities and subnormal numbers are kept. Error for a U64 beyond 2^63 − 1 and for a BOOL that
/// is neither 0 nor 1.
Tensor tensor_of(const ElementType& type, const Shape& shape, std::string_view bytes);

}  // namespace adjoint::nn
