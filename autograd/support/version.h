// The version, for programs and for what is installed: the build reads it here.
#pragma once

namespace adjoint {

/// MAJOR.MINOR. Before 1.0 another minor version may have another interface.
constexpr auto version = "0.1";

}  // namespace adjoint
