#include "tests/autograd/samples.h"

#include <cmath>
#include <limits>
#include <memory>

#include "tests/autograd/support.h"

namespace adjoint::testing {

Tensors Sample::make(Key key) const {
  Index all = 0, before = 0;
  for (const Input& input : inputs) all += input.shape.numel();
  // For distinct elements: a random order of places at distance 0.1, shared by all inputs.
  const Tensor order = permutation(all, key.child("order"));
  const std::span<const Index> places = order.values<Index>();

  Tensors result;
  for (const Input& input : inputs) {
    Tensor x = normal(input.shape, 0, 1, key.child(result.size()), DType::f64);
    const Tensor even = uniform(input.shape, 0, 1, key.child(result.size() + 100), DType::f64);
    const std::span<const double> u = even.values<double>();
    const std::span<double> values = x.edit<double>();
    for (std::size_t i = 0; i < values.size(); ++i) {
      double& value = values[i];
      switch (input.domain) {
        case Domain::any:
          break;
        case Domain::positive:
          value = 0.5 + 1.5 * u[i];
          break;
        case Domain::away_from_zero:
          value = std::copysign(0.3 + 1.5 * u[i], value);
          break;
        case Domain::distinct:
          value = 0.1 * (static_cast<double>(places[static_cast<std::size_t>(before) + i]) -
                         static_cast<double>(all) / 2 + 0.3) +
                  0.04 * u[i];
          break;
        case Domain::large:
          value *= 100;
          break;
        case Domain::tiny:
          value *= 1e-4;
          break;
      }
    }
    before += input.shape.numel();
    result.push_back(x);
  }
  return result;
}

namespace {

using enum Domain;
using enum Transposed;
using List = std::vector<Sample>;
constexpr double infinity = std::numeric_limits<double>::infinity();

// ---- Arithmetic ---------------------------------------------------------------------------------

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
  list.push_back({"mul", "large times tiny", {{{4}, large}, {{4}, tiny}}, [](const Tensors& x) {
                    return x[0] * x[1];
                  }});
  list.push_back(
      {"div", "x / x", {{{3}, away_from_zero}}, [](const Tensors& x) { return x[0] / x[0]; }});
  list.push_back(
      {"pow", "x to the x", {{{3}, positive}}, [](const Tensors& x) { return pow(x[0], x[0]); }});
  list.push_back(
      {"affine", "vector", {{{5}}}, [](const Tensors& x) { return affine(x[0], -2, 3); }});
  list.push_back(
      {"affine", "scale 0", {{{2, 2}}}, [](const Tensors& x) { return affine(x[0], 0, 1); }});
  list.push_back(
      {"affine", "operators with constants", {{{3}, away_from_zero}}, [](const Tensors& x) {
         return 1 - (2 / (3 * x[0] + 0.25 - 1)) / 4 + 1 * 2.0;
       }});
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
  list.push_back(
      {"pow", "x cubed near 0", {{{3}, tiny}}, [](const Tensors& x) { return pow(x[0], 3); }});
  list.push_back({"where", "equal shapes", {{{2, 2}}, {{2, 2}}}, [](const Tensors& x) {
                    return where(bools({{1, 0}, {0, 1}}), x[0], x[1]);
                  }});
  list.push_back({"where", "all three broadcast", {{{3}}, {{2, 1, 1}}}, [](const Tensors& x) {
                    return where(bools({{1}, {0}}), x[0], x[1]);
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

// ---- Functions of one tensor --------------------------------------------------------------------

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
      {"log", log, positive},
      {"sqrt", sqrt, positive},
      {"sin", sin, any},
      {"cos", cos, any},
      {"tanh", tanh, any},
      {"sigmoid", sigmoid, any},
      {"erf", erf, any},
      {"relu", relu, away_from_zero},
  };
  for (const auto& [name, f, domain] : operations)
    for (const Shape& shape : {Shape{2, 3}, Shape{}, Shape{0, 2}, Shape{1, 1, 9}})
      list.push_back({name,
                      std::to_string(shape.numel()) + " elements",
                      {{shape, domain}},
                      [f = f](const Tensors& x) { return f(x[0]); }});
  for (const auto& [name, f, domain] : operations)
    if (domain == any)
      list.push_back({name, "tiny", {{{5}, tiny}}, [f = f](const Tensors& x) { return f(x[0]); }});
  for (const auto form : {Gelu::exact, Gelu::tanh}) {
    const std::string which = form == Gelu::exact ? "exact" : "tanh";
    for (const Domain domain : {any, tiny})
      list.push_back({"gelu",
                      which + (domain == any ? "" : ", tiny"),
                      {{{2, 3}, domain}},
                      [=](const Tensors& x) { return gelu(x[0], form); }});
  }
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

// ---- Reductions ---------------------------------------------------------------------------------

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
  list.push_back({"logsumexp", "large", {{{2, 4}, large}}, [](const Tensors& x) {
                    return logsumexp(x[0], {1});
                  }});
  list.push_back({"logsumexp", "a row of -inf", {{{3}}}, [](const Tensors& x) {
                    const Tensor low = scalar(-infinity, x[0].dtype());
                    return exp(logsumexp(where(bools({{1, 0, 1}, {0, 0, 0}}), x[0], low), {1}));
                  }});
  list.push_back(
      {"variance", "large", {{{5}, large}}, [](const Tensors& x) { return variance(x[0]); }});
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
  list.push_back({"sum_to", "of nothing", {{{0, 2}}}, [](const Tensors& x) {
                    return sum_to(x[0], {1, 2});
                  }});
}

// ---- Shapes and indices -------------------------------------------------------------------------

void movement(List& list) {
  const auto row = [&](const char* name, const char* label, const std::vector<Shape>& shapes,
                       std::function<Tensor(const Tensors&)> f) {
    std::vector<Input> inputs;
    for (const Shape& shape : shapes) inputs.push_back({shape, any});
    list.push_back({name, label, inputs, std::move(f)});
  };
  row("reshape", "flat", {{2, 3}}, [](const Tensors& x) { return reshape(x[0], {-1}); });
  row("reshape", "of nothing", {{0, 3}}, [](const Tensors& x) { return reshape(x[0], {3, 0, 2}); });
  row("reshape", "scalar to matrix", {{}}, [](const Tensors& x) { return reshape(x[0], {1, 1}); });
  row("permute", "three axes", {{2, 3, 4}}, [](const Tensors& x) {
    return permute(x[0], {2, 0, -2});
  });
  row("permute", "of nothing", {{2, 0}}, [](const Tensors& x) { return permute(x[0], {1, 0}); });
  row("transpose", "last two", {{2, 3, 2}}, [](const Tensors& x) { return transpose(x[0]); });
  row("transpose", "first and last", {{2, 1, 3}},
      [](const Tensors& x) { return transpose(x[0], 0, -1); });
  row("broadcast_to", "a new axis and a repeated one", {{2, 1}}, [](const Tensors& x) {
    return broadcast_to(x[0], {3, 2, 2});
  });
  row("broadcast_to", "a scalar", {{}}, [](const Tensors& x) {
    return broadcast_to(x[0], {2, 2});
  });
  row("broadcast_to", "to nothing", {{1, 2}}, [](const Tensors& x) {
    return broadcast_to(x[0], {0, 2});
  });
  row("slice", "rows", {{4, 2}}, [](const Tensors& x) { return slice(x[0], 0, 1, 3); });
  row("slice", "from the end", {{2, 5}}, [](const Tensors& x) { return slice(x[0], -1, -3, -1); });
  row("slice", "nothing", {{3}}, [](const Tensors& x) { return slice(x[0], 0, 2, 2); });
  row("slice", "overlapping", {{4}},
      [](const Tensors& x) { return slice(x[0], 0, 0, 3) * slice(x[0], 0, 1, 4); });
  row("concat", "columns", {{2, 1}, {2, 3}}, [](const Tensors& x) { return concat(x, -1); });
  row("concat", "with an empty part", {{2, 2}, {0, 2}, {1, 2}},
      [](const Tensors& x) { return concat(x, 0); });
  row("concat", "one", {{2}}, [](const Tensors& x) { return concat(x, 0); });
  row("concat", "x with x", {{2}}, [](const Tensors& x) { return concat({x[0], x[0]}, 0); });
  row("concat", "more than 32", {{1}, {2}}, [](const Tensors& x) {
    Tensors many;
    for (int i = 0; i < 20; ++i) many.insert(many.end(), x.begin(), x.end());
    return concat(many, 0) * concat(many, 0);
  });
  row("stack", "in front", {{2, 2}, {2, 2}}, [](const Tensors& x) { return stack(x); });
  row("stack", "behind", {{3}, {3}}, [](const Tensors& x) { return stack(x, -1); });

  row("gather", "rows, one of them twice", {{3, 2}}, [](const Tensors& x) {
    return gather(x[0], ints({2, 0, 2}));
  });
  row("gather", "a table of indices, middle axis, none", {{2, 3, 2}}, [](const Tensors& x) {
    return gather(x[0], ints({{0, none}, {2, 2}}), 1);
  });
  row("gather", "a single index", {{3, 2}},
      [](const Tensors& x) { return gather(x[0], scalar(1, DType::i64), -1); });
  row("gather", "no index", {{3, 2}}, [](const Tensors& x) { return gather(x[0], ints({})); });
  row("scatter_add", "two to one place", {{3, 2}}, [](const Tensors& x) {
    return scatter_add(x[0], ints({1, 1, 0}), 0, 4);
  });
  row("scatter_add", "a table of indices, none", {{2, 2, 2}}, [](const Tensors& x) {
    return scatter_add(x[0], ints({{1, none}, {0, 1}}), 1, 2);
  });
  row("scatter_add", "nothing", {{0, 2}},
      [](const Tensors& x) { return scatter_add(x[0], ints({}), 0, 3); });
  row("embedding", "a batch of ids", {{4, 3}}, [](const Tensors& x) {
    return embedding(ints({{0, 3}, {3, 1}}), x[0]);
  });
  row("embedding", "no ids", {{4, 3}}, [](const Tensors& x) { return embedding(ints({}), x[0]); });
  row("one_hot", "times x", {{3}}, [](const Tensors& x) {
    return one_hot(ints({2, none, 0}), 3, x[0].dtype()) * x[0];
  });
}

// ---- Matrix products ----------------------------------------------------------------------------

void products(List& list) {
  const auto row = [&](const char* label, const Shape& a, const Shape& b, Transposed flags = no) {
    list.push_back(
        {"matmul", label, {{a}, {b}}, [=](const Tensors& x) { return matmul(x[0], x[1], flags); }});
  };
  row("matrices", {2, 3}, {3, 4});
  row("left transposed", {3, 2}, {3, 4}, a);
  row("right transposed", {2, 3}, {4, 3}, b);
  row("both transposed", {3, 2}, {4, 3}, both);
  row("vectors", {3}, {3});
  row("vector and matrix", {3}, {3, 2});
  row("matrix and vector", {2, 3}, {3});
  row("vector and batch", {3}, {2, 3, 2});
  row("batch and vector", {2, 2, 3}, {3});
  row("vector and transposed matrix", {3}, {2, 3}, both);
  row("batches", {2, 2, 3}, {2, 3, 2});
  row("batches, left transposed", {2, 3, 2}, {2, 3, 2}, a);
  row("batches, right transposed", {2, 2, 3}, {2, 2, 3}, b);
  row("batches, both transposed", {2, 3, 2}, {2, 2, 3}, both);
  row("batch and matrix", {2, 2, 3}, {3, 2});
  row("batch and transposed matrix", {2, 2, 3}, {2, 3}, b);
  row("transposed batch and matrix", {2, 3, 2}, {3, 2}, a);
  row("both transposed, batch and matrix", {2, 3, 2}, {2, 3}, both);
  row("matrix and batch", {2, 3}, {2, 3, 2});
  row("batch axes repeated on both sides", {2, 1, 2, 3}, {3, 3, 1});
  row("batch axes repeated, transposed", {3, 1, 3, 2}, {1, 2, 2, 3}, both);
  row("sizes of 1", {1, 1}, {1, 1});
  row("nothing to add up", {2, 0}, {0, 3});
  row("no rows", {0, 3}, {3, 2});
  row("an empty batch", {0, 2, 3}, {3, 2});
  list.push_back({"matmul", "x with x", {{{3, 3}}}, [](const Tensors& x) {
                    return matmul(x[0], x[0], Transposed::a);
                  }});
  list.push_back(
      {"matmul", "large and tiny", {{{2, 3}, large}, {{3, 2}, tiny}}, [](const Tensors& x) {
         return matmul(x[0], x[1]);
       }});

  const auto linear_row = [&](const char* label, const Shape& x, const Shape& weight, bool bias) {
    std::vector<Input> inputs = {{x}, {weight}};
    if (bias) inputs.push_back({{weight[0]}});
    list.push_back({"linear", label, inputs, [](const Tensors& in) {
                      return linear(in[0], in[1], in.size() == 3 ? in[2] : Tensor());
                    }});
  };
  linear_row("with bias", {2, 3}, {4, 3}, true);
  linear_row("without bias", {2, 3}, {4, 3}, false);
  linear_row("of one vector", {3}, {2, 3}, true);
  linear_row("of a batch", {2, 2, 3}, {2, 3}, true);
  linear_row("no rows", {0, 3}, {2, 3}, true);
  linear_row("no inputs", {2, 0}, {3, 0}, true);
}

// ---- Probabilities ------------------------------------------------------------------------------

void probabilities(List& list) {
  for (const auto& [name, f] : {std::pair{"softmax", &softmax}, {"log_softmax", &log_softmax}}) {
    const auto row = [&, name = name, f = f](const char* label, const Shape& shape, Domain domain) {
      list.push_back({name, label, {{shape, domain}}, [f](const Tensors& x) { return f(x[0]); }});
    };
    row("matrix", {2, 4}, any);
    row("vector", {3}, any);
    row("three axes", {2, 1, 3}, any);
    row("one element", {2, 1}, any);
    row("tiny", {2, 3}, tiny);
    row("no rows", {0, 3}, any);
    row("no columns", {2, 0}, any);
    list.push_back(
        {name, "large", {{{2, 3}}}, [f = f](const Tensors& x) { return f(x[0] + 300); }});
  }
  const auto masked = [&](const char* label, const Shape& shape, const Tensor& mask,
                          Domain domain = any) {
    list.push_back({"masked_softmax", label, {{shape, domain}}, [=](const Tensors& x) {
                      return masked_softmax(x[0], mask);
                    }});
  };
  masked("a row wholly masked", {3, 3}, bools({{1, 0, 1}, {0, 0, 0}, {1, 1, 1}}));
  masked("mask repeated", {2, 2, 3}, bools({{{1, 1, 0}}, {{0, 1, 0}}}));
  masked("all masked", {2, 2}, bools({0, 0}));
  masked("large", {2, 3}, bools({{1, 0, 1}, {0, 1, 1}}), large);
  masked("no columns", {2, 0}, zeros({2, 0}, DType::b8));
  masked("no rows", {0, 2}, bools({1, 0}));

  const auto cross = [&](const char* label, const Shape& shape, const Tensor& targets,
                         CrossEntropyOptions options, Domain domain = any) {
    list.push_back({"cross_entropy", label, {{shape, domain}}, [=](const Tensors& x) {
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
  cross("large", {2, 3}, ints({0, 2}), {}, large);
}

// ---- Layers' kernels ----------------------------------------------------------------------------

void layers(List& list) {
  const auto norm = [&](const char* label, const Shape& shape, double epsilon = 1e-5,
                        Domain domain = any) {
    list.push_back({"layer_norm",
                    label,
                    {{shape, domain}, {{shape[-1]}}, {{shape[-1]}}},
                    [=](const Tensors& x) { return layer_norm(x[0], x[1], x[2], epsilon); }});
  };
  norm("rows", {3, 4});
  norm("vector", {5});
  norm("three axes", {2, 2, 3});
  norm("one feature", {3, 1}, 0.1);
  norm("a large epsilon", {2, 3}, 1.0);
  norm("large", {2, 4}, 1e-5, large);
  norm("no rows", {0, 3});
  list.push_back({"layer_norm", "x as gain and bias", {{{3}}}, [](const Tensors& x) {
                    return layer_norm(x[0], x[0], x[0]);
                  }});
  norm("nearly constant rows", {2, 3}, 0.5, tiny);

  list.push_back({"dropout", "positions as rows", {{{3, 5}}}, [](const Tensors& x) {
                    return dropout(x[0], 0.4, Key(5));
                  }});
  list.push_back({"dropout", "rows given", {{{2, 2, 3}}}, [](const Tensors& x) {
                    return dropout(x[0], 0.5, Key(5), ints({{9, 3}, {1000000007, 0}}));
                  }});
  list.push_back({"dropout", "nothing dropped", {{{2, 3}}}, [](const Tensors& x) {
                    return dropout(x[0], 0, Key(5));
                  }});
  list.push_back({"dropout", "one axis", {{{9}}}, [](const Tensors& x) {
                    return dropout(x[0], 0.9, Key(7));
                  }});
  list.push_back({"dropout", "no rows", {{{0, 3}}}, [](const Tensors& x) {
                    return dropout(x[0], 0.5, Key(5));
                  }});

  const auto conv = [&](const char* label, const Shape& x, const Shape& weight, bool bias,
                        Conv1dOptions options) {
    std::vector<Input> inputs = {{x}, {weight}};
    if (bias) inputs.push_back({{weight[0]}});
    list.push_back({"conv1d", label, inputs, [=](const Tensors& in) {
                      return conv1d(in[0], in[1], in.size() == 3 ? in[2] : Tensor(), options);
                    }});
  };
  conv("plain", {2, 4, 2}, {3, 2, 2}, true, {});
  conv("without bias", {1, 4, 2}, {2, 3, 2}, false, {});
  conv("padded", {2, 3, 2}, {2, 3, 2}, true, {.padding = 1});
  conv("strided", {1, 6, 1}, {2, 2, 1}, true, {.stride = 2, .padding = 1});
  conv("a stride beyond the taps", {1, 7, 1}, {1, 2, 1}, false, {.stride = 3});
  conv("one tap", {2, 3, 2}, {2, 1, 2}, true, {});
  conv("more padding than taps", {1, 1, 1}, {1, 1, 1}, true, {.padding = 2});
  conv("an empty batch", {0, 3, 2}, {2, 2, 2}, true, {});
  const auto depthwise = [&](const char* label, const Shape& x, const Shape& weight,
                             Conv1dOptions options) {
    list.push_back({"depthwise_conv1d", label, {{x}, {weight}}, [=](const Tensors& in) {
                      return depthwise_conv1d(in[0], in[1], options);
                    }});
  };
  depthwise("plain", {2, 4, 3}, {2, 3}, {});
  depthwise("padded and strided", {1, 5, 2}, {3, 2}, {.stride = 2, .padding = 1});
}

// ---- Attention ----------------------------------------------------------------------------------

using Pattern = AttentionPattern;

std::shared_ptr<const Pattern> shared(Pattern pattern) {
  return std::make_shared<const Pattern>(std::move(pattern));
}

void attending(List& list) {
  const auto row = [&](const char* label, const std::vector<Shape>& shapes, const Pattern& pattern,
                       const AttentionOptions& options) {
    std::vector<Input> inputs;
    for (const Shape& shape : shapes) inputs.push_back({shape, any});
    list.push_back({"attention", label, inputs, [=, p = shared(pattern)](const Tensors& x) {
                      return attention(x[0], x[x.size() > 1 ? 1 : 0], x[x.size() > 2 ? 2 : 0], p,
                                       options);
                    }});
    if (options.dropout == 0)
      list.push_back({"attention_weights",
                      label,
                      {inputs.begin(), inputs.begin() + (inputs.size() > 1 ? 2 : 1)},
                      [=, p = shared(pattern)](const Tensors& x) {
                        return attention_weights(x[0], x[x.size() > 1 ? 1 : 0], p, options.heads);
                      }});
  };
  const std::vector<Shape> small = {{2, 2, 4}, {2, 3, 4}, {2, 3, 2}};

  row("one head", {{1, 2, 3}, {1, 2, 3}, {1, 2, 3}}, Pattern::whole(1, 2, 2), {});
  row("two heads, values narrower", small, Pattern::whole(2, 2, 3), {.heads = 2});
  row("shared q = k = v", {{2, 2, 4}}, Pattern::whole(2, 2, 2), {.heads = 2});

  Pattern lengths = Pattern::whole(2, 2, 3);
  lengths.lengths = ints({1, 3, 2, 0});
  row("lengths, one of them 0", small, lengths, {.heads = 2});

  Pattern causal = Pattern::whole(2, 3, 3);
  causal.causal = true;
  row("causal", {{2, 3, 2}, {2, 3, 2}, {2, 3, 2}}, causal, {});
  causal.examples[1].first_position = 1;
  row("causal, an example begins at position 1", {{2, 3, 2}}, causal, {});

  Pattern allowed = Pattern::whole(2, 2, 3);
  allowed.allowed = bools({{1, 0, 1}, {0, 0, 0}, {1, 1, 1}, {0, 0, 1}});
  row("allowed, one row wholly masked", small, allowed, {.heads = 2});

  Pattern everything = allowed;
  everything.causal = true;
  everything.lengths = ints({2, 1, 3, 2});
  row("allowed, lengths and causal", small, everything, {.heads = 2});
  row("allowed, lengths, causal and dropout", small, everything,
      {.heads = 2, .dropout = 0.4, .key = Key(3)});
  row("dropout", small, Pattern::whole(2, 2, 3), {.heads = 1, .dropout = 0.3, .key = Key(4)});

  // Packed: two examples of 2 and 1 queries, of 1 and 3 keys, and query rows that nobody claims.
  Pattern packed;
  packed.examples = {{0, 2, 0, 1, 0, 5}, {3, 1, 1, 3, 2, 9}};
  row("packed, a row of no example", {{5, 2}, {4, 2}, {4, 2}}, packed, {});
  row("packed, dropout", {{5, 2}, {4, 2}, {4, 4}}, packed,
      {.heads = 2, .dropout = 0.5, .key = Key(8)});

  Pattern beam;
  beam.examples = {{0, 1, 0, 2}, {1, 2, 0, 3}};
  row("examples that share keys", {{3, 2}, {3, 2}, {3, 2}}, beam, {});

  Pattern keyless;
  keyless.examples = {{0, 1, 0, 0}, {1, 1, 0, 2}};
  row("an example without keys", {{2, 2}, {2, 2}, {2, 2}}, keyless, {});
  row("no examples", {{2, 2}, {1, 2}, {1, 2}}, Pattern{}, {});
}

// ---- Errors -------------------------------------------------------------------------------------

Tensor real(const Shape& shape) { return ones(shape, DType::f64); }

std::vector<ErrorSample> make_error_samples() {
  const Tensor m23 = real({2, 3}), m34 = real({3, 4}), v4 = real({4}), s = real({});
  const Tensor single = ones({2, 3});
  const Tensor empty;
  const std::string broadcasting =
      " do not broadcast: aligned at the last axis, sizes must be "
      "equal or 1";
  const auto whole = [](Index batch, Index queries, Index keys) {
    return shared(Pattern::whole(batch, queries, keys));
  };
  std::vector<ErrorSample> list = {
      {"add", "shapes", [=] { add(m23, v4); }, "add: shapes [2, 3] and [4]" + broadcasting},
      {"add", "an operand missing", [=] { add(m23, empty); }, "add: input 1 is empty"},
      {"add", "f32 and f64", [=] { add(m23, single); },
       "add: mixes f64 and f32; cast() one of them"},
      {"add", "conditions", [] { add(bools({1}), bools({0})); },
       "add: does not take tensors of b8"},
      {"sub", "shapes",
       [=] {
         sub(real({3, 2}), m23);
       },
       "sub: shapes [3, 2] and [2, 3]" + broadcasting},
      {"mul", "whole numbers", [] { mul(ints({2}), ints({3})); },
       "mul: does not take tensors of i64"},
      {"div", "shapes", [=] { div(m23, real({0})); }, "div: shapes [2, 3] and [0]" + broadcasting},
      {"equal", "types", [=] { equal(single, m23); }, "equal: compares f32 with f64"},
      {"where", "condition", [=] { where(m23, m23, m23); },
       "where: the condition must be b8, is f64"},
      {"where", "types", [=] { where(bools({1}), m23, single); }, "where: a is f64, b is f32"},
      {"where", "shapes",
       [=] {
         where(bools({1, 0}), m23, m23);
       },
       "where: shapes [2] and [2, 3]" + broadcasting},
      {"exp", "whole numbers", [] { exp(ints({1})); }, "exp: does not take tensors of i64"},
      {"relu", "nothing", [=] { relu(empty); }, "relu: input 0 is empty"},
      {"sum", "axis", [=] { sum(m23, {2}); }, "sum: no axis 2 in a tensor of shape [2, 3]"},
      {"sum", "axis twice",
       [=] {
         sum(m23, {1, -1});
       },
       "sum: an axis is named twice"},
      {"mean", "axis", [=] { mean(m23, {-3}); }, "mean: no axis -3 in a tensor of shape [2, 3]"},
      {"mean", "over nothing",
       [] {
         mean(real({2, 0}), {1});
       },
       "mean: over no elements, x is [2, 0]"},
      {"max", "over nothing",
       [] {
         max(real({0, 2}), {0});
       },
       "max: over no elements, x is [0, 2]"},
      {"argmax", "over nothing",
       [] {
         argmax(real({2, 0}));
       },
       "argmax: over no elements, x is [2, 0]"},
      {"argmax", "of a scalar", [=] { argmax(s); }, "argmax: no axis -1 in a tensor of shape []"},
      {"logsumexp", "axis", [=] { logsumexp(m23, {5}); },
       "logsumexp: no axis 5 in a tensor of shape [2, 3]"},
      {"sum_to", "shape", [=] { sum_to(m23, {2}); },
       "sum_to: shapes [2, 3] and [2]" + broadcasting},
      {"sum_to", "a larger shape",
       [=] {
         sum_to(v4, {2, 4});
       },
       "sum_to: [2, 4] does not broadcast to [4]"},
      {"reshape", "elements", [=] { reshape(m23, {4}); },
       "reshape: [2, 3] has 6 elements, [4] has 4"},
      {"reshape", "open size",
       [=] {
         reshape(m23, {4, -1});
       },
       "reshape: [2, 3] has 6 elements, not a multiple of the 4 that the other sizes make"},
      {"reshape", "open size beside 0",
       [] {
         reshape(real({0, 3}), {0, -1});
       },
       "reshape: [0, 3] has 0 elements, not a multiple of the 0 that the other sizes make"},
      {"permute", "too few axes", [=] { permute(m23, {1}); },
       "permute: 1 axes named of a tensor of shape [2, 3]"},
      {"permute", "no axes", [=] { permute(m23, {}); },
       "permute: 0 axes named of a tensor of shape [2, 3]"},
      {"permute", "axis twice",
       [=] {
         permute(m23, {0, 0});
       },
       "permute: an axis is named twice"},
      {"transpose", "vector", [=] { transpose(v4); },
       "transpose: needs at least two axes, x is [4]"},
      {"broadcast_to", "shape",
       [=] {
         broadcast_to(m23, {3, 3});
       },
       "broadcast_to: [2, 3] does not broadcast to [3, 3]"},
      {"broadcast_to", "a smaller shape", [=] { broadcast_to(m23, {3}); },
       "broadcast_to: [2, 3] does not broadcast to [3]"},
      {"slice", "beyond the end", [=] { slice(m23, 1, 1, 4); },
       "slice: [1, 4) on axis 1 of a tensor of shape [2, 3]"},
      {"slice", "backwards", [=] { slice(m23, 0, -1, 0); },
       "slice: [-1, 0) on axis 0 of a tensor of shape [2, 3]"},
      {"slice", "axis", [=] { slice(m23, 2, 0, 1); }, "shape: [2, 3] has no axis 2"},
      {"concat", "nothing", [] { concat({}, 0); }, "concat: needs at least one tensor"},
      {"concat", "shapes",
       [=] {
         concat({m23, m34}, 0);
       },
       "concat: shapes may differ on axis 0 only: [2, 3] and [3, 4]"},
      {"concat", "ranks",
       [=] {
         concat({m23, v4}, 0);
       },
       "concat: shapes may differ on axis 0 only: [2, 3] and [4]"},
      {"concat", "types",
       [=] {
         concat({m23, single}, 0);
       },
       "concat: mixes f64 and f32"},
      {"stack", "nothing", [] { stack({}); }, "stack: needs at least one tensor"},
      {"stack", "shapes",
       [=] {
         stack({m23, v4});
       },
       "stack: shapes differ: [2, 3] and [4]"},
      {"stack", "axis",
       [=] {
         stack({v4, v4}, 2);
       },
       "stack: no axis 2 in a result of 2 axes"},
      {"gather", "index",
       [=] {
         gather(m23, ints({{0, 1}, {2, 0}}));
       },
       "gather: index 2 (number 2 of indices of shape [2, 2]) is out of range for a size of 2"},
      {"gather", "below none", [=] { gather(m23, ints({-2}), 1); },
       "gather: index -2 (number 0 of indices of shape [1]) is out of range for a size of 3"},
      {"gather", "type", [=] { gather(m23, s); }, "gather: indices must be i64, are f64"},
      {"scatter_add", "index",
       [=] {
         scatter_add(m23, ints({0, 4}), 0, 4);
       },
       "scatter_add: index 4 (number 1 of indices of shape [2]) is out of range for a size of 4"},
      {"scatter_add", "shapes",
       [=] {
         scatter_add(m23, ints({0, 1}), 1, 4);
       },
       "scatter_add: x of shape [2, 3] has not the axes [2] of the indices at axis 1"},
      {"scatter_add", "axis",
       [=] {
         scatter_add(m23, ints({0, 1}), 3, 4);
       },
       "scatter_add: no axis 3 in a tensor of shape [2, 3]"},
      {"one_hot", "index", [] { one_hot(ints({3}), 3); },
       "one_hot: index 3 (number 0 of indices of shape [1]) is out of range for a size of 3"},
      {"embedding", "id",
       [=] {
         embedding(ints({{0, 1}, {1, 2}}), m23);
       },
       "embedding: token id 2 (number 3 of ids of shape [2, 2]) is not in a table of 2 tokens"},
      {"embedding", "negative id", [=] { embedding(ints({-1}), m23); },
       "embedding: token id -1 (number 0 of ids of shape [1]) is not in a table of 2 tokens"},
      {"embedding", "type", [=] { embedding(v4, m23); }, "embedding: ids must be i64, are f64"},
      {"embedding", "table", [=] { embedding(ints({0}), v4); },
       "embedding: the table must be [tokens, width], is [4]"},
      {"matmul", "inner sizes",
       [=] {
         matmul(real({8, 64}), real({32, 64}));
       },
       "matmul: inner sizes differ: a is [8, 64], b is [32, 64]"},
      {"matmul", "inner sizes, transposed", [=] { matmul(m23, m34, both); },
       "matmul: inner sizes differ: a is [2, 3] transposed, b is [3, 4] transposed"},
      {"matmul", "batches",
       [] {
         matmul(real({2, 2, 3}), real({3, 3, 2}));
       },
       "matmul: batch axes do not broadcast: a is [2, 2, 3], b is [3, 3, 2]"},
      {"matmul", "scalar", [=] { matmul(s, m23); },
       "matmul: a scalar cannot be a factor: a is [], b is [2, 3]"},
      {"matmul", "f32 and f64", [=] { matmul(single, m34); },
       "matmul: mixes f32 and f64; cast() one of them"},
      {"linear", "sizes", [=] { linear(m23, m34); },
       "linear: x is […, inputs], the weight [outputs, inputs]; x is [2, 3], the weight [3, 4]"},
      {"linear", "bias",
       [=] {
         linear(m23, real({4, 3}), m23);
       },
       "linear: the bias must be [4], is [2, 3]"},
      {"softmax", "scalar", [=] { softmax(s); }, "softmax: x must have at least one axis, got []"},
      {"log_softmax", "scalar", [=] { log_softmax(s); },
       "log_softmax: x must have at least one axis, got []"},
      {"masked_softmax", "scalar", [=] { masked_softmax(s, bools({1})); },
       "masked_softmax: x must have at least one axis, got []"},
      {"masked_softmax", "type of the mask", [=] { masked_softmax(m23, m23); },
       "masked_softmax: the mask must be b8, is f64"},
      {"masked_softmax", "shape of the mask",
       [=] {
         masked_softmax(m23, bools({1, 0}));
       },
       "masked_softmax: the mask [2] does not broadcast to x [2, 3]"},
      {"masked_softmax", "a larger mask",
       [=] {
         masked_softmax(v4, zeros({2, 4}, DType::b8));
       },
       "masked_softmax: the mask [2, 4] does not broadcast to x [4]"},
      {"cross_entropy", "target",
       [=] {
         cross_entropy(m23, ints({0, 3}));
       },
       "cross_entropy: target 3 is not one of 3 classes"},
      {"cross_entropy", "negative target",
       [=] {
         cross_entropy(m23, ints({-1, 0}));
       },
       "cross_entropy: target -1 is not one of 3 classes"},
      {"cross_entropy", "shapes",
       [=] {
         cross_entropy(m23, ints({0, 1, 2}));
       },
       "cross_entropy: logits are […, classes], targets […]; logits are [2, 3], targets [3]"},
      {"cross_entropy", "type", [=] { cross_entropy(m23, real({2})); },
       "cross_entropy: targets must be i64, are f64"},
      {"cross_entropy", "smoothing",
       [=] {
         cross_entropy(m23, ints({0, 1}), {.smoothing = 1});
       },
       "cross_entropy: smoothing must lie in [0, 1), is 1"},
      {"layer_norm", "gain", [=] { layer_norm(m23, v4, real({3})); },
       "layer_norm: gain and bias must be [3], are [4] and [3]"},
      {"layer_norm", "bias", [=] { layer_norm(m23, real({3}), real({1})); },
       "layer_norm: gain and bias must be [3], are [3] and [1]"},
      {"layer_norm", "no features",
       [] {
         layer_norm(real({2, 0}), real({0}), real({0}));
       },
       "layer_norm: x needs a last axis with elements, is [2, 0]"},
      {"dropout", "p", [=] { dropout(m23, 1, Key()); }, "dropout: p must lie in [0, 1), is 1"},
      {"dropout", "scalar", [=] { dropout(s, 0.5, Key()); },
       "dropout: x must have at least one axis, got []"},
      {"dropout", "rows",
       [=] {
         dropout(m23, 0.5, Key(), ints({1, 2, 3}));
       },
       "dropout: row numbers must be i64, one for each of the 2 rows of x [2, 3]"},
      {"conv1d", "ranks", [=] { conv1d(m23, m34); },
       "conv1d: x is [batch, length, inputs], the weight [outputs, taps, inputs]; x is [2, 3], "
       "the weight [3, 4]"},
      {"conv1d", "taps",
       [] {
         conv1d(real({1, 2, 1}), real({1, 3, 1}));
       },
       "conv1d: 3 taps are more than the length of x [1, 2, 1] with 0 zeros on both sides"},
      {"conv1d", "stride",
       [] {
         conv1d(real({1, 2, 1}), real({1, 1, 1}), {}, {.stride = 0});
       },
       "conv1d: the stride must be at least 1 and the padding at least 0, are 0 and 0"},
      {"depthwise_conv1d", "width",
       [] {
         depthwise_conv1d(real({1, 4, 2}), real({2, 3}));
       },
       "depthwise_conv1d: x is [batch, length, width], the weight [taps, width]; x is [1, 4, 2], "
       "the weight [2, 3]"},
      {"attention", "widths", [=] { attention(m23, v4, v4, whole(1, 2, 1)); },
       "attention: query and key differ in width; query is [2, 3], key [4], value [4], heads 1"},
      {"attention", "heads", [=] { attention(m23, m23, m23, whole(1, 2, 2), {.heads = 2}); },
       "attention: the heads do not divide the width; query is [2, 3], key [2, 3], value [2, 3], "
       "heads 2"},
      {"attention", "rows of keys and values",
       [=] {
         attention(m23, m23, real({3, 3}), whole(1, 2, 2));
       },
       "attention: key and value differ in rows; query is [2, 3], key [2, 3], value [3, 3], heads "
       "1"},
      {"attention", "pattern", [=] { attention(m23, m23, m23, whole(2, 1, 2)); },
       "attention: the pattern's example of query rows [1, 2) and key rows [2, 4) does not fit a "
       "query [2, 3] and a key [2, 3]"},
      {"attention", "dropout", [=] { attention(m23, m23, m23, whole(1, 2, 2), {.dropout = 1}); },
       "attention: dropout must lie in [0, 1), is 1"},
      {"attention", "lengths",
       [=] {
         Pattern pattern = Pattern::whole(1, 2, 2);
         pattern.lengths = ints({1});
         attention(m23, m23, m23, shared(pattern));
       },
       "attention: lengths must be i64, one for each of the 2 query rows, are i64 [1]"},
      {"attention", "allowed",
       [=] {
         Pattern pattern = Pattern::whole(1, 2, 2);
         pattern.allowed = bools({{1}, {1}});
         attention(m23, m23, m23, shared(pattern));
       },
       "attention: `allowed` must be b8 [2, 2], is b8 [2, 1]"},
  };
  return list;
}

}  // namespace

const std::vector<Sample>& samples() {
  static const List all = [] {
    List list;
    for (const auto family :
         {arithmetic, unary, reduction, movement, products, probabilities, layers, attending})
      family(list);
    return list;
  }();
  return all;
}

const std::vector<ErrorSample>& error_samples() {
  static const std::vector<ErrorSample> all = make_error_samples();
  return all;
}

}  // namespace adjoint::testing
