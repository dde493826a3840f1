#include "autograd/support/checksum.h"

#include <array>
#include <cstring>

namespace adjoint {
namespace {

// remainders[k][b]: the remainder of byte b followed by k zero bytes. Bits are the coefficients of
// a polynomial over GF(2), with the highest power in the lowest bit.
constexpr int bytes_at_once = 8;
constexpr auto remainders = [] {
  constexpr std::uint32_t divisor = 0xEDB88320;  // x³² + x²⁶ + x²³ + … + x + 1, without x³²
  std::array<std::array<std::uint32_t, 256>, bytes_at_once> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t rest = byte;
    for (auto& followed_by_zeros : table) {
      for (int bit = 0; bit < 8; ++bit) rest = rest % 2 == 1 ? rest / 2 ^ divisor : rest / 2;
      followed_by_zeros[byte] = rest;
    }
  }
  return table;
}();

}  // namespace

std::uint32_t crc32(std::string_view bytes, std::uint32_t before) {
  std::uint32_t rest = ~before;
  // The remainder of a sum is the sum of the remainders, so the bytes can be looked up in parallel.
  for (; bytes.size() >= bytes_at_once; bytes.remove_prefix(bytes_at_once)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);  // little-endian
    word ^= rest;
    rest = 0;
    for (std::size_t k = bytes_at_once; k-- > 0; word /= 256) rest ^= remainders[k][word % 256];
  }
  for (const char byte : bytes)
    rest = remainders[0][(rest ^ static_cast<unsigned char>(byte)) % 256] ^ rest / 256;
  return ~rest;
}

}  // namespace adjoint
