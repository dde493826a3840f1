// CRC-32, the checksum of zlib, gzip and PNG: it notices any change of up to four bytes in a row,
// and all but one in 2³² of the others.
#pragma once

#include <cstdint>
#include <string_view>

namespace adjoint {

/// Of these bytes; or, given what others before them came to, of all together. (ISO 3309; RFC 1952,
/// section 8.)
std::uint32_t crc32(std::string_view bytes, std::uint32_t before = 0);

}  // namespace adjoint
