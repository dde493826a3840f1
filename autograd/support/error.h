// Errors: one exception type, and one way to demand a condition.
#pragma once

#include <cmath>
#include <sstream>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace adjoint {

/// What the library throws. The text names the operation or the file, what was expected and what
/// was found, and can be shown to a user as it is. If nothing catches it, the program prints
/// "error: …" on standard error, loses none of its output, and exits with status 1.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// An impossible size: negative, too large to count, or too large for the memory. An operation that
/// meets one puts its own name in front of the text.
class SizeError : public Error {
 public:
  using Error::Error;
};

/// A string stream that writes numbers the same way in every locale: 1234.5, not 1.234,5.
class TextStream : public std::ostringstream {
 public:
  TextStream() { imbue(std::locale::classic()); }
};

namespace detail {
template <class Part>
void write_part(std::ostream& text, const Part& part) {
  if constexpr (std::is_floating_point_v<Part>) {
    if (std::isnan(part)) {  // streams print -nan if the sign bit is set
      text << "nan";
      return;
    }
  }
  text << part;
}
}  // namespace detail

/// Concatenates the parts as a stream prints them, but prints a NaN of either sign as nan.
template <class... Parts>
std::string text_from(const Parts&... parts) {
  TextStream text;
  (detail::write_part(text, parts), ...);
  return text.str();
}

/// Throws an Error with this text.
[[noreturn]] void throw_error(const std::string& text);

/// Throws an Error with the text of the parts.
template <class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  throw_error(text_from(parts...));
}

/// `require(a == b, "matmul: inner sizes differ: ", a, " and ", b)` fails unless the condition
/// holds. The parts are only formatted if it does not.
template <class... Parts>
void require(bool condition, const Parts&... parts) {
  if (!condition) [[unlikely]]
    fail(parts...);
}

}  // namespace adjoint
