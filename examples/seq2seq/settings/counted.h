// A number and what it counts.
#pragma once

#include "autograd/support/error.h"

namespace adjoint::seq2seq {

/// "1 pair", "2 pairs"
inline std::string counted(auto count, const char* noun) {
  return text_from(count, ' ', noun, count == 1 ? "" : "s");
}

}  // namespace adjoint::seq2seq
