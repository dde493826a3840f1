// Separate from the rest of support.h because it needs Boost.Test.
#include <boost/test/unit_test.hpp>

#include "tests/autograd/support.h"

namespace adjoint::testing {

std::function<bool(const Error&)> says(std::string text) {
  return [text = std::move(text)](const Error& error) {
    BOOST_TEST(error.what() == text);
    return error.what() == text;
  };
}

}  // namespace adjoint::testing
