// The checksum of saved files.
#pragma once

#include <cstdint>
#include <string_view>

namespace adjoint {

/// CRC-32, the checksum of zlib, gzip and PNG. To continue after earlier bytes, pass their checksum
/// as `before`. It detects every change confined to four consecutive bytes, and all but one in 2³²
/// of the others. (ISO 3309; RFC 1952, section 8.)
std::uint32_t crc32(std::string_view bytes, std::uint32_t before = 0);

}  // namespace adjoint
