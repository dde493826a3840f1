// More functions that are easily confused: lookups of repeated indices, approximations, gates.
#include "tests/autograd/gradcheck/mutations.h"
#include "tests/autograd/support.h"

namespace adjoint::testing {
namespace {

using Kind = Diagnosis::Kind;
using enum Domain;
using List = std::vector<Confusions>;
using F = std::function<Tensor(const Tensors&)>;

// Lookups whose vjp keeps, for each index, only the last of the cotangents that belong to it.
void repeated(List& list) {
  const auto overwritten = [&](const char* operation, const char* label, const Shape& shape,
                               const F& f, const Tensor& last) {
    list.push_back(confused(operation, label, {shape}, f,
                            {{Kind::overwritten, "only one counts",
                              [=](const Tensors& x) { return f(x) * cast(last, DType::f64); }}}));
  };
  const auto gathered = [](const Tensor& at, Index axis) -> F {
    return [=](const Tensors& x) { return gather(x[0], at, axis); };
  };
  overwritten("gather", "one repeated", {3, 2}, gathered(ints({2, 0, 2}), 0),
              bools({{0}, {1}, {1}}));
  overwritten("gather", "two repeated", {4, 3}, gathered(ints({1, 3, 1, 3, 0}), 0),
              bools({{0}, {0}, {1}, {1}, {1}}));
  overwritten("gather", "repeated along axis 1", {2, 3}, gathered(ints({0, 0, 2, 1}), 1),
              bools({0, 1, 1, 1}));
  overwritten("gather", "the first of each", {4, 3}, gathered(ints({1, 3, 1, 3, 0}), 0),
              bools({{1}, {1}, {0}, {0}, {1}}));
  overwritten("gather", "repeated in a vector", {5}, gathered(ints({4, 4, 2, 4}), 0),
              bools({0, 0, 1, 1}));
  overwritten("gather", "repeated in the middle", {2, 3, 2}, gathered(ints({1, 1, 0}), 1),
              bools({{{0}, {1}, {1}}}));
  overwritten(
      "embedding", "repeated", {5, 2},
      [](const Tensors& x) {
        return embedding(ints({{0, 3}, {3, 1}, {2, 2}}), x[0]);
      },
      bools({{{1}, {0}}, {{1}, {1}}, {{0}, {1}}}));
  overwritten(
      "embedding", "one word, and another", {3, 4},
      [](const Tensors& x) {
        return embedding(ints({{1, 1, 1}, {1, 2, 1}}), x[0]);
      },
      bools({{{0}, {0}, {0}}, {{0}, {1}, {1}}}));
  overwritten(
      "matmul", "of looked-up rows", {3, 2},
      [](const Tensors& x) {
        return matmul(gather(x[0], ints({2, 0, 2, 1})), wide({{1, 2, -1}, {0.5, -1, 3}}));
      },
      bools({{0}, {1}, {1}, {1}}));
}

void approximations(List& list) {
  const auto near = [&](const char* operation, const char* label, const std::vector<Shape>& shapes,
                        const F& f, const F& other, Domain domain = any) {
    list.push_back(
        confused(operation, label, shapes, f, {{Kind::approximation, "nearly it", other}}, domain));
  };
  near(
      "gelu", "tanh for erf", {{3, 4}}, [](const Tensors& x) { return gelu(x[0]); },
      [](const Tensors& x) { return gelu(x[0], Gelu::tanh); });
  near(
      "gelu", "erf for tanh", {{3, 4}}, [](const Tensors& x) { return gelu(x[0], Gelu::tanh); },
      [](const Tensors& x) { return gelu(x[0]); });
  near(
      "layer_norm", "another epsilon", {{3, 4}, {4}, {4}},
      [](const Tensors& x) { return layer_norm(x[0], x[1], x[2]); },
      [](const Tensors& x) { return layer_norm(x[0], x[1], x[2], 1e-4); });
  near(
      "rms_norm", "another epsilon", {{3, 4}, {4}},
      [](const Tensors& x) { return rms_norm(x[0], x[1]); },
      [](const Tensors& x) { return rms_norm(x[0], x[1], 1e-4); });
  near(
      "exp", "a power", {{2, 5}}, [](const Tensors& x) { return exp(x[0]); },
      [](const Tensors& x) { return pow(1 + x[0] / 1024, 1024); });
  near(
      "log", "an epsilon inside", {{2, 5}}, [](const Tensors& x) { return log(x[0]); },
      [](const Tensors& x) { return log(x[0] + 1e-3); }, positive);
  near(
      "sqrt", "an epsilon inside", {{2, 5}}, [](const Tensors& x) { return sqrt(x[0]); },
      [](const Tensors& x) { return sqrt(x[0] + 1e-3); }, positive);
  near(
      "abs", "smoothed", {{2, 5}}, [](const Tensors& x) { return abs(x[0]); },
      [](const Tensors& x) { return sqrt(x[0] * x[0] + 1e-4); }, away_from_zero);
  near(
      "tanh", "a fraction", {{2, 4}}, [](const Tensors& x) { return tanh(0.5 * x[0]); },
      [](const Tensors& x) {
        const Tensor z = 0.5 * x[0], s = z * z;
        return z * (15 + s) / (15 + 6 * s);
      });
  near(
      "norm", "an epsilon inside", {{3, 3}}, [](const Tensors& x) { return norm(x[0], {1}); },
      [](const Tensors& x) { return sqrt(sum(x[0] * x[0], {1}) + 1e-3); }, away_from_zero);
}

// A layer with the derivative of another activation.
void activations(List& list) {
  const auto dense = [](Tensor (*activation)(const Tensor&)) -> F {
    return [=](const Tensors& x) { return activation(matmul(x[0], x[1])); };
  };
  // Its vjp: that of the product, with another slope in front.
  const auto with_slope = [](F slope) -> F {
    return [=](const Tensors& x) {
      const Tensor product = matmul(x[0], x[1]);
      return detach(slope({product})) * product;
    };
  };
  const auto tanh_slope = with_slope([](const Tensors& z) { return 1 - pow(tanh(z[0]), 2); });
  const auto sigmoid_slope =
      with_slope([](const Tensors& z) { return sigmoid(z[0]) * (1 - sigmoid(z[0])); });
  const std::vector<Shape> shapes = {{2, 3}, {3, 4}};
  const auto kind = Kind::elementwise_factor;
  list.push_back(confused("tanh", "of a product", shapes, dense(tanh),
                          {{kind, "slope of sigmoid", sigmoid_slope},
                           {kind, "slope of tanh(tanh)", with_slope([](const Tensors& z) {
                              return 1 - pow(tanh(tanh(z[0])), 2);
                            })}}));
  list.push_back(confused("sigmoid", "of a product", shapes, dense(sigmoid),
                          {{kind, "slope of tanh", tanh_slope}}));
  list.push_back(confused("softplus", "of a product", shapes, dense(softplus),
                          {{kind, "slope of sigmoid", sigmoid_slope}}));
}

// A gate z and its complement 1 − z.
void gates(List& list) {
  const auto gated = [&](const char* label, const std::vector<Shape>& shapes, const F& f,
                         const F& other) {
    list.push_back(
        confused("sigmoid", label, shapes, f, {{Kind::complement, "1 - z for z", other}}));
  };
  const auto blend = [](const Tensor& z) -> F {
    return [=](const Tensors& x) { return z * x[0] + (1 - z) * sin(x[1]); };
  };
  const Tensor gate = wide({{0.1, 0.6, 0.8}, {0.3, 0.9, 0.45}}),
               of_rows = wide({{0.2}, {0.7}, {0.4}});
  gated("a blend", {{2, 3}, {2, 3}}, blend(gate), blend(1 - gate));
  gated("a blend of rows", {{3, 2}, {3, 2}}, blend(of_rows), blend(1 - of_rows));
  gated(
      "squared", {{3, 4}}, [](const Tensors& x) { return sigmoid(x[0]); },
      [](const Tensors& x) {
        const Tensor y = detach(sigmoid(x[0]));
        return y * y * x[0];
      });
  gated(
      "squared complement", {{3, 4}}, [](const Tensors& x) { return sigmoid(x[0]); },
      [](const Tensors& x) {
        const Tensor y = detach(sigmoid(x[0]));
        return (1 - y) * (1 - y) * x[0];
      });
  gated(
      "tanh", {{3, 4}}, [](const Tensors& x) { return tanh(x[0]); },
      [](const Tensors& x) {
        const Tensor y = detach(tanh(x[0]));
        return y * y * x[0];
      });
}

}  // namespace

std::vector<Confusions> near_misses() {
  List list;
  for (const auto family : {repeated, approximations, activations, gates}) family(list);
  return list;
}

}  // namespace adjoint::testing
