// Errors: one exception type, and one way to demand a condition.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace adjoint {

/// What the library throws. The text names the operation or the file, what was expected and what
/// was found, and can be shown to a user as it is.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The parts as streams print them, one after the other.
template <class... Parts>
std::string text_from(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}

/// Throws an Error with the text of the parts.
template <class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  throw Error(text_from(parts...));
}

/// `require(a == b, "matmul: inner sizes differ: ", a, " and ", b)` fails unless the condition
/// holds. The parts are only formatted if it does not.
template <class... Parts>
void require(bool condition, const Parts&... parts) {
  if (!condition) [[unlikely]]
    fail(parts...);
}

}  // namespace adjoint
