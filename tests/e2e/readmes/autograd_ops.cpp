#include "adjoint.h"

#include <iostream>

#include "autograd/kernels/elementwise.h"

using namespace adjoint;

// The base of the structs in autograd/ops/unary.cpp.
template <class Op>
struct Unary {
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    kernels::map(in[0].values<T>(), out[0].edit<T>(), [](T x) { return Op::value(x); });
  }
};

#include "cpp2"
// A declaration comes first in the library, and here it must agree with the definition.
#include "cpp1"

namespace samples {
enum Domain { away_from_zero };
struct Named {
  const char* name;
  Tensor (*f)(const Tensor&);
  Domain domain;
};
const Named operations[] = {
#include "cpp3"
};
}  // namespace samples

int main() {
  const Tensor x = tensor({-2, -0.5, 0.5, 3}, DType::f64);
  const auto f = [](const Tensors& in) { return Tensors{samples::operations[0].f(in[0])}; };
  return gradcheck(f, {x}, {.order = 2}) && rule_of_operation("softsign").size() == 2 ? 0 : 1;
}
