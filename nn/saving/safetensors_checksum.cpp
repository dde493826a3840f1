#include <cstdio>

#include "autograd/support/files.h"
#include "nn/saving/safetensors_format.h"

namespace adjoint::nn {

std::string safetensors::checksum_of(const SafeTensors& content) {
  const std::string end(1, '\0');
  std::uint32_t sum = 0;
  for (const auto& [key, text] : content.metadata)
    if (key != checksum_key) sum = crc32(key + end + text + end, sum);
  for (const auto& [name, x] : content.tensors) {
    if (!x.defined()) continue;  // writing refuses it
    std::string sizes;
    for (const Index size : x.shape().sizes())
      sizes += (sizes.empty() ? "" : ",") + std::to_string(size);
    sum = crc32(name + end + code_of(x.dtype()) + end + sizes + end, sum);
    sum = crc32(bytes_of(x), sum);
  }
  char text[9];
  std::snprintf(text, sizeof text, "%08x", sum);
  return text;
}

SafeTensors with_checksum(SafeTensors content) {
  content.metadata[safetensors::checksum_key] = safetensors::checksum_of(content);
  return content;
}

}  // namespace adjoint::nn
