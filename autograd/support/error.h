// Errors: one exception type, one way to demand something.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace adjoint {

/// What the library throws. The text names the operation or the file, what was demanded, and what
/// was found instead, so that it can be shown to a user as it stands.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Throws an Error whose text is the parts, streamed one after the other.
template <class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  throw Error(text.str());
}

/// `require(a == b, "matmul: inner sizes differ: ", a, " and ", b)`: the parts are formatted only
/// when the condition does not hold.
template <class... Parts>
void require(bool condition, const Parts&... parts) {
  if (!condition) [[unlikely]]
    fail(parts...);
}

}  // namespace adjoint
