// What reading and writing safetensors share.
#pragma once

#include <span>
#include <string_view>

#include "autograd/support/error.h"
#include "nn/saving/safetensors.h"

namespace adjoint::nn::safetensors {

inline constexpr std::size_t length_bytes = 8;  // of the number before the header
inline constexpr std::uint64_t max_header = 100'000'000;
inline constexpr auto metadata_key = "__metadata__";
inline constexpr auto checksum_key = "adjoint.crc32";

constexpr const char* code_of(DType dtype) {
  constexpr const char* codes[] = {"F32", "F64", "I64", "BOOL"};
  return codes[static_cast<int>(dtype)];
}

/// The bytes of a tensor's elements, in place.
inline std::string_view bytes_of(const Tensor& x) {
  return dispatch(x.dtype(), [&]<class T>() {
    const std::span<const T> values = x.values<T>();
    return std::string_view(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  });
}

/// CRC-32 of everything but a checksum, in hexadecimal (safetensors.h).
std::string checksum_of(const SafeTensors& content);

/// Returns f(). An Error that f throws gets `what`, a file or a tensor, in front.
template <class F>
auto about(const std::string& what, const F& f) {
  try {
    return f();
  } catch (const Error& error) {
    fail(what, ": ", error.what());
  }
}

}  // namespace adjoint::nn::safetensors
