// The version, for programs and for the installed library. The Makefile reads it from here.
#pragma once

namespace adjoint {

/// MAJOR.MINOR. Before 1.0 a new minor version may change the interface.
constexpr auto version = "0.1";

}  // namespace adjoint
