// Helpers for the tests of the property checks.
#pragma once

#include <boost/test/unit_test.hpp>
#include <functional>
#include <sstream>
#include <string>
#include <utility>

#include "nn/checks/properties.h"
#include "tests/nn/support.h"

namespace adjoint::testing {

using nn::PropertyReport;

inline Tensor random(const Shape& shape, std::uint64_t seed = 1) {
  return normal(shape, 0, 1, Key(seed), DType::f64);
}

inline Function of_one(std::function<Tensor(const Tensor&)> f) {
  return [f = std::move(f)](const Tensors& x) { return Tensors{f(x[0])}; };
}

inline std::string printed(const PropertyReport& report) {
  std::ostringstream text;
  text << report;
  return text.str();
}

inline bool contains(const PropertyReport& report, const std::string& text) {
  const bool found = printed(report).find(text) != std::string::npos;
  BOOST_TEST(found, "'" << text << "' is not in: " << report);
  return found;
}

}  // namespace adjoint::testing
