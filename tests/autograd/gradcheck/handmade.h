// Operations made by hand, whose vjps may be wrong.
#pragma once

#include <algorithm>
#include <functional>
#include <string>

#include "tests/autograd/gradcheck/support.h"
#include "tests/autograd/support.h"

namespace adjoint::testing {

using Values = std::function<Tensor(const Tensors&)>;
using Rule = std::function<Tensors(const Tensors& x, const Tensor& g)>;

// y = f(x…) with a rule for x̄… that may be wrong.
struct Handmade {
  static constexpr auto name = "test_handmade";
  static constexpr Operands reads = {input(0), input(1)};
  Values f;
  Rule rule;
  Form form(Inputs in) const { return value(in).form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const Tensor y = value(in);
    std::ranges::copy(y.values<T>(), out[0].edit<T>().begin());
  }
  Tensors vjp(const Pullback& back) const {
    Tensors xs;
    for (std::size_t i = 0; i < back.input_count(); ++i) xs.push_back(back.input(i));
    return rule(xs, back.cotangent());
  }

 private:
  Tensor value(Inputs in) const {
    const NoRecording guard;
    Tensors xs;
    for (std::size_t i = 0; i < in.size(); ++i) xs.push_back(in[i]);
    return f(xs);
  }
};

inline GradcheckReport check(const Values& f, const Rule& rule, const Tensors& xs,
                             GradcheckOptions options = {}) {
  options.names = {"x", "w"};
  options.names.resize(xs.size());
  return gradcheck(
      [&](const Tensors& in) {
        return Tensors{apply_list(Handmade{f, rule}, in)};
      },
      xs, options);
}

}  // namespace adjoint::testing
