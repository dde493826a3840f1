// Long texts made short: JSON repeats itself.
#pragma once

#include <string>
#include <string_view>

namespace adjoint::exploring {

/// The text in zlib's format (RFC 1950), as base64: browsers have both. data.js reads it.
std::string packed(std::string_view text);

}  // namespace adjoint::exploring
