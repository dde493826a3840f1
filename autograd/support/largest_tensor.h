// A limit for programs that compute what others typed.
#pragma once

#include <cstddef>
#include <limits>

#include "autograd/support/ambient.h"

namespace adjoint {

/// How many bytes a new tensor may have, in the calling thread.
[[gnu::visibility("default")]] inline std::size_t& largest_tensor() {
  thread_local std::size_t bytes = std::numeric_limits<std::size_t>::max();
  return bytes;
}

/// A tensor of so few bytes is allowed in any case, so that small operations need not look.
constexpr std::size_t always_allowed = 4096;

/// `LargestTensor guard(bytes);`: in the block, a new tensor of more bytes is a SizeError.
struct LargestTensor : ScopedValue<std::size_t> {
  explicit LargestTensor(std::size_t bytes) : ScopedValue(largest_tensor(), bytes) {}
};

}  // namespace adjoint
