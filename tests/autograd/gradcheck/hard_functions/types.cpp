// Element types, shapes and derivatives that are 0: f32, integers, empty tensors, constants.
#include "tests/autograd/gradcheck/hard_functions/planting.h"

namespace adjoint::testing {
namespace {

Tensor random32(const Shape& shape, std::uint64_t seed) { return normal(shape, 0, 1, Key(seed)); }
Tensor network(const Tensors& x) { return matmul(tanh(linear(x[0], x[1], x[2])), x[3]); }
Tensors network_inputs(DType dtype) {
  const auto make = [=](const Shape& shape, std::uint64_t seed) {
    return normal(shape, 0, 1, Key(seed), dtype);
  };
  return {make({4, 3}, 1), make({5, 3}, 2), make({5}, 3), make({5, 2}, 4)};
}
Tensor in_f32(const Tensor& x, Tensor (*f)(const Tensor&)) {
  return cast(f(cast(x, DType::f32)), DType::f64);
}
Tensors parts(const Tensor& x) { return split(x, 0, std::vector<Index>(50, 1)); }
Tensor chosen(const Tensors& x) { return gather(x[0], x[1]); }
Tensors table_and_ids() { return {random64({5, 2}, 1), ints({3, 0, 3, 1})}; }
Tensor selected(const Tensors& x) { return where(x[0], sin(x[1]), cos(x[2])); }
Tensors condition_and_two() {
  return {bools({true, false, true}), random64({3}, 1), random64({3}, 2)};
}
Tensor dropped(const Tensor& x, std::uint64_t seed) { return dropout(x, 0.5, Key(seed)); }
Tensor with_bias(const Tensors& x) { return tanh(x[0] + x[1]); }

HardFunctions right() {
  const Tensor x = wide({0.5, -1, 2}), single = random32({6}, 1);
  return {
      {"a network in f32", fn(network), network_inputs(DType::f32)},
      {"softmax in f32", fn(softmax), {random32({3, 4}, 1)}},
      {"layer_norm in f32",
       fn([](const Tensors& v) { return layer_norm(v[0], v[1], v[2]); }),
       {random32({3, 4}, 1), random32({4}, 2), random32({4}, 3)}},
      {"the sum of 10,000 squares in f32",
       fn([](const Tensor& v) { return sum(v * v); }),
       {random32({10'000}, 1)}},
      {"x + 10,000 − 10,000 in f32",
       fn([](const Tensor& v) { return (v + 1e4) - 1e4; }),
       {single},
       {},
       "f32 rounds x + 10,000 to a multiple of 1/1024"},
      {"variance of equal numbers in f32",
       fn([](const Tensor& v) { return variance(v); }),
       {full({5}, 3.7)}},
      {"numbers of 1e30 in f32", fn([](const Tensor& v) { return 3 * v; }), {single * 1e30}},
      {"tanh in f32 inside f64", fn([](const Tensor& v) { return in_f32(v, tanh); }), {x}},
      {"exp in f32 inside f64, summed",
       fn([](const Tensor& v) { return sum(in_f32(v, exp)); }),
       {x}},
      {"an f32 output of f64 inputs",
       fn([](const Tensor& v) { return cast(sin(v), DType::f32); }),
       {x}},
      {"f32 and f64 inputs",
       fn([](const Tensors& v) { return cast(sin(v[0]), DType::f64) * v[1]; }),
       {random32({3}, 1), x}},
      {"rows of a table by integers", fn(chosen), table_and_ids()},
      {"cross_entropy with targets as an input",
       fn([](const Tensors& v) { return cross_entropy(v[0], v[1]); }),
       {random64({3, 4}, 1), ints({0, 3, 2})}},
      {"where with its condition as an input", fn(selected), condition_and_two()},
      {"an empty tensor beside a real one",
       fn([](const Tensors& v) {
         return concat({v[0], sin(v[1])}, 0);
       }),
       {zeros64({0, 3}), random64({2, 3}, 1)}},
      {"an empty output beside a real one",
       fn([](const Tensor& v) {
         return Tensors{slice(v, 0, 1, 1), sin(v)};
       }),
       {x}},
      {"sign, whose derivative is 0", fn(sign), {x}},
      {"0 · x", fn([](const Tensor& v) { return 0 * v; }), {x}},
      {"a constant beside sin x",
       fn([](const Tensor& v) {
         return Tensors{full64({2}, 3), sin(v)};
       }),
       {x}},
      {"an integer output beside sin x",
       fn([](const Tensor& v) {
         return Tensors{argmax(v), sin(v)};
       }),
       {x}},
      {"the identity", fn([](const Tensor& v) { return v; }), {x}},
      {"permute of six axes",
       fn([](const Tensor& v) {
         return permute(v, {5, 0, 3, 1, 4, 2});
       }),
       {random64({2, 1, 2, 3, 1, 2}, 1)}},
      {"50 outputs", fn([](const Tensor& v) { return parts(sin(v)); }), {random64({50}, 1)}},
      {"a scalar without axes",
       fn([](const Tensor& v) { return v * sin(v); }),
       {scalar(0.7, DType::f64)}},
      {"an input without influence", fn([](const Tensors& v) { return sin(v[0]); }), {x, x}},
      {"one tensor given twice", fn([](const Tensors& v) { return v[0] * sin(v[1]); }), {x, x}},
      {"dropout", fn([](const Tensor& v) { return dropped(v, 1); }), {random64({4, 5}, 1)}},
      {"a bias of one row for many", fn(with_bias), {random64({6, 3}, 1), random64({3}, 2)}},
  };
}

HardFunctions wrong() {
  const Tensor x = wide({0.5, -1, 2});
  const auto only_in_f32 = [](Mistake mistake) {
    return [=](const Tensor& g, const Tensor& v) {
      return v.dtype() == DType::f32 ? mistake(g, v) : g;
    };
  };
  // Only eight bits are kept, as in bfloat16.
  const Mistake coarse = [](const Tensor& g, const Tensor&) {
    Tensor result = copy(g);
    for (float& value : result.edit<float>()) {
      const float shifted = value * 0x1p16f;
      value = shifted + value - shifted;
    }
    return result;
  };
  const auto of_network = [&](Mistake mistake, std::size_t input) {
    return mistaken(fn(network), only_in_f32(std::move(mistake)), input);
  };
  return {
      {"a network in f32 only, a weight", of_network(times_at(4, 1.01), 1),
       network_inputs(DType::f32)},
      {"a network in f32 only, its bias without a gradient", of_network(times(0), 2),
       network_inputs(DType::f32)},
      {"a network in f32 only, 1e-3 too large", of_network(times(1.001), 3),
       network_inputs(DType::f32)},
      {"softmax in f32 only, reversed",
       mistaken(fn(softmax), only_in_f32(reversed())),
       {random32({3, 4}, 1)}},
      {"sin in f32 only, for x > 1",
       mistaken(fn(sin), only_in_f32(times_where(
                             [](const Tensor& v) { return greater(v, full({}, 1)); }, 0.9))),
       {tensor({0.5, 2, -1})}},
      {"sin in f32 only, rounded coarsely",
       mistaken(fn(sin), only_in_f32(coarse)),
       {random32({6}, 1)}},
      {"f32 and f64 inputs, the f32 one",
       mistaken(fn([](const Tensors& v) { return cast(sin(v[0]), DType::f64) * v[1]; }),
                times(1.01)),
       {random32({3}, 1), x}},
      {"f32 and f64 inputs, the f64 one",
       mistaken(fn([](const Tensors& v) { return cast(sin(v[0]), DType::f64) * v[1]; }),
                times(1.01), 1),
       {random32({3}, 1), x}},
      {"an f32 output of f64 inputs, 1% too large",
       mistaken(fn([](const Tensor& v) { return cast(sin(v), DType::f32); }), times(1.01)),
       {x}},
      {"tanh in f32 inside f64, no gradient",
       mistaken(fn([](const Tensor& v) { return in_f32(v, tanh); }), times_at(1, 0)),
       {x}},
      {"exp in f32 inside f64, summed, no gradient of one",
       mistaken(fn([](const Tensor& v) { return sum(in_f32(v, exp)); }), times_at(2, 0)),
       {x}},
      {"tanh in f32 inside f64, 10% too large",
       mistaken(fn([](const Tensor& v) { return in_f32(v, tanh); }), times(1.1)),
       {x}},
      {"rows of a table, the second use is lost", fn([](const Tensors& v) {
         const Tensors rows = split(chosen(v), 0, {2, 2});
         return concat({rows[0], planted(rows[1], times_at(0, 0))}, 0);
       }),
       table_and_ids()},
      {"rows of a table, columns exchanged", mistaken(fn(chosen), reversed()), table_and_ids()},
      {"cross_entropy, 1e-4 too large",
       mistaken(fn([](const Tensors& v) { return cross_entropy(v[0], v[1]); }), times(1.0001)),
       {random64({3, 4}, 1), ints({0, 3, 2})}},
      {"where sends gradients both ways",
       fn([](const Tensors& v) { return disguised(selected(v), sin(v[1]) + cos(v[2])); }),
       condition_and_two()},
      {"where with the condition reversed", fn([](const Tensors& v) {
         return disguised(selected(v), where(v[0], cos(v[2]), sin(v[1])));
       }),
       condition_and_two()},
      {"an empty tensor beside a wrong one",
       mistaken(fn([](const Tensors& v) {
                  return concat({v[0], sin(v[1])}, 0);
                }),
                times(1.001), 1),
       {zeros64({0, 3}), random64({2, 3}, 1)}},
      {"sign passes its gradient straight through",
       fn([](const Tensor& v) { return disguised(sign(v), v); }),
       {x}},
      {"a constant with a gradient", fn([](const Tensor& v) { return 0 * v + ghost(v); }), {x}},
      {"a constant with a gradient of 1e-4 beside sin x",
       fn([](const Tensor& v) {
         return Tensors{full64({3}, 3) + 1e-4 * ghost(v), sin(v)};
       }),
       {x}},
      {"the identity, sign flipped",
       mistaken(fn([](const Tensor& v) { return v; }), times(-1)),
       {x}},
      {"permute, its inverse forgotten",
       fn([](const Tensor& v) {
         return permute(planted(v,
                                [](const Tensor& g, const Tensor&) {
                                  return permute(g, {1, 2, 0});
                                }),
                        {1, 2, 0});
       }),
       {random64({2, 2, 2}, 1)}},
      {"one of 50 outputs",
       fn([](const Tensor& v) {
         Tensors ys = parts(sin(v));
         ys[33] = planted(ys[33], times(1.001));
         return ys;
       }),
       {random64({50}, 1)}},
      {"a scalar without axes, 2e-5 too large",
       mistaken(fn([](const Tensor& v) { return v * sin(v); }), times(1 + 2e-5)),
       {scalar(0.7, DType::f64)}},
      {"one tensor given twice, counted once",
       fn([](const Tensors& v) { return v[0] * unseen(sin(v[1])); }),
       {x, x}},
      {"dropout with another mask",
       fn([](const Tensor& v) { return disguised(dropped(v, 1), dropped(v, 2)); }),
       {random64({4, 5}, 1)}},
      {"dropout without its scale",
       mistaken(fn([](const Tensor& v) { return dropped(v, 1); }), times(0.5)),
       {random64({4, 5}, 1)}},
      {"a bias averaged over rows",
       mistaken(fn(with_bias), times(1. / 6), 1),
       {random64({6, 3}, 1), random64({3}, 2)}},
      {"a bias averaged over columns",
       mistaken(fn(with_bias), averaged(), 1),
       {random64({6, 3}, 1), random64({3}, 2)}},
  };
}

}  // namespace

RightAndWrong with_types() { return {right(), wrong()}; }

}  // namespace adjoint::testing
