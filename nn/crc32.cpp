#include "nn/crc32.h"

#include <array>

namespace adjoint::nn {
namespace {

// The remainder of each byte: polynomials over two elements, the highest power in the lowest bit.
constexpr std::array<std::uint32_t, 256> remainders = [] {
  constexpr std::uint32_t divisor = 0xEDB88320;  // x³² + x²⁶ + x²³ + … + x + 1, without x³²
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
    std::uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit) rest = rest % 2 == 1 ? rest / 2 ^ divisor : rest / 2;
    table[byte] = rest;
  }
  return table;
}();

}  // namespace

std::uint32_t crc32(std::string_view bytes, std::uint32_t before) {
  std::uint32_t rest = ~before;
  for (const char byte : bytes)
    rest = remainders[(rest ^ static_cast<unsigned char>(byte)) % 256] ^ rest / 256;
  return ~rest;
}

}  // namespace adjoint::nn
