// Samples of arithmetic: elementwise, with broadcasting.
#include "tests/autograd/ops/samples/families.h"

namespace adjoint::testing::families {

void arithmetic(List& list) {
  struct Named {
    const char* name;
    Tensor (*f)(const Tensor&, const Tensor&);
    Domain left, right;
  };
  const Named operations[] = {
      {"add", add, any, any},
      {"sub", sub, any, any},
      {"mul", mul, any, any},
      {"div", div, any, away_from_zero},
      {"pow", pow, positive, any},
      {"maximum", maximum, distinct, distinct},
      {"minimum", minimum, distinct, distinct},
  };
  for (const auto& [name, f, left, right] : operations) {
    const auto row = [&, name = name, left = left, right = right, f = f](
                         const char* label, const Shape& a, const Shape& b) {
      list.push_back(
          {name, label, {{a, left}, {b, right}}, [f](const Tensors& x) { return f(x[0], x[1]); }});
    };
    row("equal shapes", {2, 3}, {2, 3});
    row("scalars", {}, {});
    row("right repeated over rows", {2, 3}, {3});
    row("left repeated over columns", {2, 1}, {2, 3});
    row("both repeated", {3, 1, 2}, {4, 1});
    row("a scalar on the left", {}, {2, 2});
    row("axes of size 1", {1, 1}, {1});
    row("no elements", {0, 3}, {1, 3});
  }
  list.push_back({"add", "x + x", {{{2, 3}}}, [](const Tensors& x) { return x[0] + x[0]; }});
  list.push_back({"sub", "x - x", {{{3}}}, [](const Tensors& x) { return x[0] - x[0]; }});
  list.push_back({"mul", "x * x", {{{2, 3}}}, [](const Tensors& x) { return x[0] * x[0]; }});
  list.push_back(
      {"mul", "large times tiny", {{{4}, any, large}, {{4}, any, tiny}}, [](const Tensors& x) {
         return x[0] * x[1];
       }});
  list.push_back(
      {"div", "x / x", {{{3}, away_from_zero}}, [](const Tensors& x) { return x[0] / x[0]; }});
  list.push_back(
      {"pow", "x to the x", {{{3}, positive}}, [](const Tensors& x) { return pow(x[0], x[0]); }});
  list.push_back(
      {"affine", "vector", {{{5}}}, [](const Tensors& x) { return affine(x[0], -2, 3); }});
  for (const auto& [name, f] : {std::pair{"maximum", &maximum}, {"minimum", &minimum}})
    list.push_back({name, "x and its reverse", {{{4}, distinct}}, [f = f](const Tensors& x) {
                      return f(x[0], gather(x[0], ints({3, 2, 1, 0})));
                    }});
  for (const Shape& shape : {Shape{0, 2}, Shape{1, 3}})
    list.push_back(
        {"affine", std::to_string(shape.numel()) + " elements", {{shape}}, [](const Tensors& x) {
           return affine(x[0], -2, 3);
         }});
  list.push_back(
      {"affine", "scale 0", {{{2, 2}}}, [](const Tensors& x) { return affine(x[0], 0, 1); }});
  list.push_back(
      {"affine", "operators with constants", {{{3}, away_from_zero}}, [](const Tensors& x) {
         return 1 - (2 / (3 * x[0] + 0.25 - 1)) / 4 + 1 * 2.0;
       }});
  for (const Shape& shape : {Shape{2, 3}, Shape{}, Shape{0, 2}}) {
    const std::string size = std::to_string(shape.numel()) + " elements";
    list.push_back(
        {"div", size + " by a constant", {{shape}}, [](const Tensors& x) { return div(x[0], 7); }});
    list.push_back(
        {"div", "a constant by " + size, {{shape, away_from_zero}}, [](const Tensors& x) {
           return div(7, x[0]);
         }});
  }
  for (const double exponent : {2.0, 3.0, 1.0, 0.0, -1.0, -2.0, 4.0})
    list.push_back({"pow",
                    "constant exponent " + std::to_string(exponent),
                    {{{2, 3}, away_from_zero}},
                    [=](const Tensors& x) { return pow(x[0], exponent); }});
  for (const double exponent : {0.5, -1.5})
    list.push_back({"pow",
                    "constant exponent " + std::to_string(exponent),
                    {{{4}, positive}},
                    [=](const Tensors& x) { return pow(x[0], exponent); }});
  list.push_back({"pow", "large base", {{{3}, positive, large}, {{3}}}, [](const Tensors& x) {
                    return pow(x[0], x[1]);
                  }});
  list.push_back(
      {"pow", "x cubed near 0", {{{3}, any, tiny}}, [](const Tensors& x) { return pow(x[0], 3); }});
  list.push_back({"where", "equal shapes", {{{2, 2}}, {{2, 2}}}, [](const Tensors& x) {
                    return where(bools({{1, 0}, {0, 1}}), x[0], x[1]);
                  }});
  list.push_back({"where", "all three broadcast", {{{3}}, {{2, 1, 1}}}, [](const Tensors& x) {
                    return where(bools({{1}, {0}}), x[0], x[1]);
                  }});
  list.push_back({"where", "no elements", {{{0, 2}}, {{1, 2}}}, [](const Tensors& x) {
                    return where(bools({1, 0}), x[0], x[1]);
                  }});
  list.push_back({"where", "x on both sides", {{{2}}}, [](const Tensors& x) {
                    return where(bools({1, 0}), x[0], 2 * x[0]);
                  }});
  list.push_back({"where", "chosen by x itself", {{{4}, away_from_zero}}, [](const Tensors& x) {
                    return where(greater(x[0], scalar(0, x[0].dtype())), pow(x[0], 2), x[0]);
                  }});
  for (const auto& [name, f] : {std::pair{"equal", &equal}, {"greater", &greater}, {"less", &less}})
    list.push_back({name,
                    "broadcast",
                    {{{2, 3}, distinct}, {{3}, distinct}},
                    [f = f](const Tensors& x) { return f(x[0], x[1]); },
                    false});
}

}  // namespace adjoint::testing::families
