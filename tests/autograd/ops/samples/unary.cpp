// Samples of functions of one tensor.
#include "tests/autograd/ops/samples/families.h"

namespace adjoint::testing::families {

void unary(List& list) {
  struct Named {
    const char* name;
    Tensor (*f)(const Tensor&);
    Domain domain;
  };
  const Named operations[] = {
      {"neg", neg, any},
      {"abs", abs, away_from_zero},
      {"sign", sign, away_from_zero},
      {"exp", exp, any},
      {"expm1", expm1, any},
      {"log", log, positive},
      {"log1p", log1p, positive},
      {"sqrt", sqrt, positive},
      {"sin", sin, any},
      {"cos", cos, any},
      {"tanh", tanh, any},
      {"sigmoid", sigmoid, any},
      {"log_sigmoid", log_sigmoid, any},
      {"softplus", softplus, any},
      {"erf", erf, any},
      {"relu", relu, away_from_zero},
  };
  for (const auto& [name, f, domain] : operations)
    for (const Shape& shape : {Shape{2, 3}, Shape{}, Shape{0, 2}, Shape{1, 1, 9}})
      list.push_back({name,
                      std::to_string(shape.numel()) + " elements",
                      {{shape, domain}},
                      [f = f](const Tensors& x) { return f(x[0]); }});
  // An even number of distinct elements keeps its distance from multiples of 0.1.
  for (const Shape& shape : {Shape{2, 4}, Shape{1, 6}, Shape{0, 2}})
    list.push_back({"clamp",
                    std::to_string(shape.numel()) + " elements",
                    {{shape, distinct}},
                    [](const Tensors& x) { return clamp(x[0], -0.2, 0.1); }});
  list.push_back({"clamp", "no upper bound", {{{10}, distinct}}, [](const Tensors& x) {
                    return pow(clamp(x[0], 0, infinity), 2);
                  }});
  for (const auto form : {Gelu::exact, Gelu::tanh}) {
    const std::string which = form == Gelu::exact ? "exact" : "tanh";
    for (const double size : {1.0, tiny})
      list.push_back({"gelu",
                      which + (size == 1 ? "" : ", near 0"),
                      {{{2, 3}, any, size}},
                      [=](const Tensors& x) { return gelu(x[0], form); }});
  }
  for (const Shape& shape : {Shape{0, 2}, Shape{1, 3}}) {
    const std::string size = std::to_string(shape.numel()) + " elements";
    list.push_back({"gelu", size, {{shape}}, [](const Tensors& x) { return gelu(x[0]); }});
    list.push_back({"cast", size, {{shape}}, [](const Tensors& x) {
                      return cast(cast(x[0], DType::f64), x[0].dtype());
                    }});
  }
  list.push_back({"exp", "large", {{{4}, any, 20}}, [](const Tensors& x) { return exp(x[0]); }});
  list.push_back({"cast",
                  "to f32 and back",
                  {{{3}}},
                  [](const Tensors& x) { return cast(cast(x[0], DType::f32), x[0].dtype()); },
                  false});
  list.push_back({"cast", "of a condition", {{{3}, away_from_zero}}, [](const Tensors& x) {
                    const Tensor above = greater(x[0], scalar(0, x[0].dtype()));
                    return x[0] * cast(above, x[0].dtype());
                  }});
}

}  // namespace adjoint::testing::families
