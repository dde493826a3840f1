// CRC-32, the checksum of zlib, gzip and PNG. It detects every change confined to four consecutive
// bytes, and all but one in 2³² of the others.
#pragma once

#include <cstdint>
#include <string_view>

namespace adjoint {

/// The checksum of these bytes. To continue after earlier bytes, pass their checksum as `before`.
/// (ISO 3309; RFC 1952, section 8.)
std::uint32_t crc32(std::string_view bytes, std::uint32_t before = 0);

}  // namespace adjoint
