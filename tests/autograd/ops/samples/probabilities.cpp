// Samples of probabilities over the last axis.
#include "tests/autograd/ops/samples/families.h"

namespace adjoint::testing::families {

void probabilities(List& list) {
  for (const auto& [name, f] : {std::pair{"softmax", &softmax}, {"log_softmax", &log_softmax}}) {
    const auto row = [&, name = name, f = f](const char* label, const Shape& shape) {
      list.push_back({name, label, {{shape}}, [f](const Tensors& x) { return f(x[0]); }});
    };
    row("matrix", {2, 4});
    row("vector", {3});
    row("three axes", {2, 1, 3});
    row("one element", {2, 1});
    row("no rows", {0, 3});
    row("no columns", {2, 0});
    // The elements are far apart: where two of them differ by about 36, 1 − y is as small as the
    // rounding errors, and finite differences cannot show the second derivative.
    list.push_back({name, "large", {{{2, 4}, distinct, large}}, [f = f](const Tensors& x) {
                      return f(x[0]);
                    }});
    list.push_back(
        {name, "far from 0", {{{2, 3}}}, [f = f](const Tensors& x) { return f(x[0] + 300); }});
  }
  const auto masked = [&](const char* label, const Shape& shape, const Tensor& mask) {
    list.push_back({"masked_softmax", label, {{shape}}, [=](const Tensors& x) {
                      return masked_softmax(x[0], mask);
                    }});
  };
  masked("a row wholly masked", {3, 3}, bools({{1, 0, 1}, {0, 0, 0}, {1, 1, 1}}));
  masked("mask repeated", {2, 2, 3}, bools({{{1, 1, 0}}, {{0, 1, 0}}}));
  masked("all masked", {2, 2}, bools({0, 0}));
  masked("one column", {3, 1}, bools({{1}, {0}, {1}}));
  masked("no columns", {2, 0}, zeros({2, 0}, DType::b8));
  masked("no rows", {0, 2}, bools({1, 0}));

  const auto cross = [&](const char* label, const Shape& shape, const Tensor& targets,
                         CrossEntropyOptions options) {
    list.push_back({"cross_entropy", label, {{shape}}, [=](const Tensors& x) {
                      return cross_entropy(x[0], targets, options);
                    }});
  };
  cross("plain", {3, 4}, ints({0, 3, 1}), {});
  cross("smoothed", {3, 4}, ints({0, 3, 1}), {.smoothing = 0.1});
  cross("some ignored", {2, 2, 3}, ints({{0, 7}, {7, 2}}), {.ignore = 7});
  cross("a class ignored, smoothed", {3, 3}, ints({0, 1, 2}), {.ignore = 1, .smoothing = 0.2});
  cross("all ignored", {2, 3}, ints({-100, -100}), {.smoothing = 0.1});
  cross("one row", {3}, scalar(1, DType::i64), {});
  cross("one class", {2, 1}, ints({0, 0}), {});
  cross("no rows", {0, 3}, ints({}), {});
}

}  // namespace adjoint::testing::families
