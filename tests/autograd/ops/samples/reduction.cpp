// Samples of reductions.
#include "tests/autograd/ops/samples/families.h"

namespace adjoint::testing::families {

void reduction(List& list) {
  struct Named {
    const char* name;
    Tensor (*f)(const Tensor&, const Axes&, Keep);
    Domain domain;
    bool over_nothing;
  };
  const Named operations[] = {
      {"sum", sum, any, true},
      {"mean", mean, any, false},
      {"variance", variance, any, false},
      {"max", max, distinct, false},
      {"logsumexp", logsumexp, any, true},
      {"prod", prod, any, true},
      {"norm", norm, away_from_zero, true},
  };
  for (const auto& [name, f, domain, over_nothing] : operations) {
    const auto row = [&, name = name, f = f, domain = domain](const char* label, const Shape& shape,
                                                              const Axes& axes,
                                                              Keep keep = Keep::no) {
      list.push_back(
          {name, label, {{shape, domain}}, [=](const Tensors& x) { return f(x[0], axes, keep); }});
    };
    row("all", {2, 3}, {});
    row("of a scalar", {}, {});
    row("last axis", {2, 3}, {-1});
    row("first axis, kept", {3, 2}, {0}, Keep::yes);
    row("middle axis", {2, 3, 2}, {1});
    row("axes apart, kept", {2, 3, 2}, {2, 0}, Keep::yes);
    row("axis of size 1", {2, 1}, {1});
    row("an empty result", {0, 3}, {1});
    if (over_nothing)
      list.push_back({name, "over nothing", {{{2, 0}}}, [f = f](const Tensors& x) {
                        return exp(f(x[0], {1}, Keep::no));
                      }});
  }
  list.push_back({"logsumexp", "large", {{{2, 4}, any, large}}, [](const Tensors& x) {
                    return logsumexp(x[0], {1});
                  }});
  list.push_back({"logsumexp", "a row of -inf", {{{3}}}, [](const Tensors& x) {
                    const Tensor low = scalar(-infinity, x[0].dtype());
                    return exp(logsumexp(where(bools({{1, 0, 1}, {0, 0, 0}}), x[0], low), {1}));
                  }});
  list.push_back({"prod", "with zeros", {{{3, 5}}}, [](const Tensors& x) {
                    const Tensor factors =
                        tensor({{1, 0, 1, 2, 1}, {0, 1, 1, 1, 0}, {0, 0, 0, 1, 1}}, x[0].dtype());
                    return prod(x[0] * factors, {1});
                  }});
  const auto running = [&](const char* label, const Shape& shape, Index axis) {
    list.push_back(
        {"cumsum", label, {{shape}}, [=](const Tensors& x) { return cumsum(x[0], axis); }});
  };
  running("last axis", {2, 5}, -1);
  running("middle axis", {2, 3, 2}, 1);
  running("first axis", {4, 1}, 0);
  running("one step", {3, 1}, 1);
  running("no steps", {2, 0}, 1);
  running("no rows", {0, 2}, 1);
  list.push_back({"cumsum", "from the end", {{{4}}}, [](const Tensors& x) {
                    return x[0] * cumsum(x[0] * x[0]);
                  }});
  list.push_back(
      {"variance", "large", {{{5}, any, large}}, [](const Tensors& x) { return variance(x[0]); }});
  list.push_back({"argmax",
                  "last axis",
                  {{{3, 4}, distinct}},
                  [](const Tensors& x) { return argmax(x[0]); },
                  false});
  list.push_back({"sum_to", "rows and columns", {{{2, 3, 2}}}, [](const Tensors& x) {
                    return sum_to(x[0], {3, 1});
                  }});
  list.push_back(
      {"sum_to", "to a scalar", {{{2, 2}}}, [](const Tensors& x) { return sum_to(x[0], {}); }});
  list.push_back({"sum_to", "its own shape", {{{2, 2}}}, [](const Tensors& x) {
                    return sum_to(x[0], {2, 2});
                  }});
  list.push_back({"sum_to", "an axis of size 1", {{{2, 1, 3}}}, [](const Tensors& x) {
                    return sum_to(x[0], {1, 3});
                  }});
  list.push_back({"sum_to", "of nothing", {{{0, 2}}}, [](const Tensors& x) {
                    return sum_to(x[0], {1, 2});
                  }});
}

}  // namespace adjoint::testing::families
