// Helpers for the tests of the gradient checker.
#pragma once

#include <algorithm>
#include <sstream>
#include <string>

#include "autograd/apply.h"
#include "autograd/gradcheck.h"
#include "autograd/ops.h"

namespace adjoint::testing {

inline Tensor random(const Shape& shape, std::uint64_t seed) {
  return normal(shape, 0, 1, Key(seed), DType::f64);
}

// A function of one tensor in the form that the checker takes.
inline Function of_one(Tensor (*f)(const Tensor&)) {
  return [f](const Tensors& x) { return Tensors{f(x[0])}; };
}

inline std::string printed(const GradcheckReport& report) {
  std::ostringstream text;
  text << report;
  return text.str();
}

inline std::ptrdiff_t lines(const std::string& text) {
  return 1 + std::count(text.begin(), text.end(), '\n');
}

// y = x, but its vjp sets the gradient of one element to 0 (of none if the index is −1).
struct Forgetful {
  static constexpr auto name = "test_forgetful";
  static constexpr Operands reads = {};
  Index forgotten;
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    std::ranges::copy(in[0].values<T>(), out[0].edit<T>().begin());
  }
  Tensors vjp(const Pullback& back) const {
    Tensor gradient = copy(back.cotangent());
    if (forgotten >= 0) gradient.edit<double>()[static_cast<std::size_t>(forgotten)] = 0;
    return {gradient};
  }
};

}  // namespace adjoint::testing
