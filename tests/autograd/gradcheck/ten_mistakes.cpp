#include "tests/autograd/gradcheck/ten_mistakes.h"

#include <array>
#include <cmath>
#include <numbers>

#include "autograd/functional.h"
#include "tests/autograd/gradcheck/handmade.h"

namespace adjoint::testing {
namespace {

using Kind = Diagnosis::Kind;
using In = const Spans<const double>&;
using Out = const Spans<double>&;

Tensor point(const PlantedMistake& planted, std::size_t input) {
  return random(planted.inputs[input].second, input + 1);
}

// ---- One element after another -----------------------------------------------------------------

PlantedMistake subtract() {
  return {"subtract",
          "b̄ = ȳ, not −ȳ",
          Kind::sign,
          "b",
          {{"a", {2, 3}}, {"b", {2, 3}}},
          {2, 3},
          [](auto& x) { return x[0] - x[1]; },
          [](auto&, auto& g) {
            return Tensors{g, g};
          },
          [](In x, Out y) {
            for (std::size_t i = 0; i < 6; ++i) y[0][i] = x[0][i] - x[1][i];
          },
          [](In, In, In g, Out gradients) {
            for (std::size_t i = 0; i < 6; ++i) gradients[0][i] = gradients[1][i] = g[0][i];
          }};
}

PlantedMistake multiply() {
  return {"multiply",
          "ā = ȳ a, not ȳ b",
          Kind::other_input,
          "a",
          {{"a", {2, 3}}, {"b", {2, 3}}},
          {2, 3},
          [](auto& x) { return x[0] * x[1]; },
          [](auto& x, auto& g) {
            return Tensors{g * x[0], g * x[0]};
          },
          [](In x, Out y) {
            for (std::size_t i = 0; i < 6; ++i) y[0][i] = x[0][i] * x[1][i];
          },
          [](In x, In, In g, Out gradients) {
            for (std::size_t i = 0; i < 6; ++i)
              gradients[0][i] = gradients[1][i] = g[0][i] * x[0][i];
          }};
}

PlantedMistake relu_mask() {
  return {"relu",
          "x̄ = ȳ where y ≥ 0, not where y > 0",
          Kind::wrong_mask,
          "x",
          {{"x", {2, 4}}},
          {2, 4},
          [](auto& x) { return relu(x[0]); },
          [](auto& x, auto& g) {
            const Tensor below = less(relu(x[0]), 0 * x[0]);
            return Tensors{where(below, 0 * g, g)};
          },
          [](In x, Out y) {
            for (std::size_t i = 0; i < 8; ++i) y[0][i] = std::max(x[0][i], 0.0);
          },
          [](In, In y, In g, Out gradients) {
            for (std::size_t i = 0; i < 8; ++i) gradients[0][i] = y[0][i] >= 0 ? g[0][i] : 0;
          }};
}

PlantedMistake gelu_approximated() {
  return {"gelu",
          "the derivative of its approximation by tanh",
          Kind::approximation,
          "x",
          {{"x", {2, 4}}},
          {2, 4},
          [](auto& x) { return gelu(x[0]); },
          [](auto& x, auto& g) {
            const auto approximation = [](const Tensor& in) { return gelu(in, Gelu::tanh); };
            return Tensors{vjp(approximation, detach(x[0])).pullback(g)};
          },
          [](In x, Out y) {
            for (std::size_t i = 0; i < 8; ++i)
              y[0][i] = x[0][i] / 2 * (1 + std::erf(x[0][i] / std::numbers::sqrt2));
          },
          [](In x, In, In g, Out gradients) {
            const double c = std::sqrt(2 / std::numbers::pi);
            for (std::size_t i = 0; i < 8; ++i) {
              const double v = x[0][i], t = std::tanh(c * (v + 0.044715 * v * v * v));
              const double slope = c * (1 + 3 * 0.044715 * v * v) * (1 - t * t);
              gradients[0][i] = g[0][i] * ((1 + t) / 2 + v / 2 * slope);
            }
          }};
}

// ---- Sums --------------------------------------------------------------------------------------

PlantedMistake mean_square() {
  return {"mean_square",
          "x̄ = 2x ȳ, not 2x ȳ / 3",
          Kind::factor,
          "x",
          {{"x", {2, 3}}},
          {2},
          [](auto& x) { return mean(x[0] * x[0], {1}); },
          [](auto& x, auto& g) {
            return Tensors{2 * x[0] * reshape(g, {2, 1})};
          },
          [](In x, Out y) {
            for (std::size_t i = 0; i < 2; ++i) {
              y[0][i] = 0;
              for (std::size_t j = 0; j < 3; ++j) y[0][i] += x[0][3 * i + j] * x[0][3 * i + j] / 3;
            }
          },
          [](In x, In, In g, Out gradients) {
            for (std::size_t i = 0; i < 6; ++i) gradients[0][i] = 2 * x[0][i] * g[0][i / 3];
          }};
}

PlantedMistake add_bias() {
  return {"add_bias",
          "b̄ = the first row of ȳ, not the sum of all",
          Kind::missing_sum,
          "b",
          {{"x", {3, 2}}, {"b", {2}}},
          {3, 2},
          [](auto& x) { return x[0] + x[1]; },
          [](auto&, auto& g) {
            return Tensors{g, reshape(slice(g, 0, 0, 1), {2})};
          },
          [](In x, Out y) {
            for (std::size_t i = 0; i < 6; ++i) y[0][i] = x[0][i] + x[1][i % 2];
          },
          [](In, In, In g, Out gradients) {
            for (std::size_t i = 0; i < 6; ++i) gradients[0][i] = g[0][i];
            for (std::size_t i = 0; i < 2; ++i) gradients[1][i] = g[0][i];
          }};
}

PlantedMistake softmax_term() {
  return {"softmax",
          "x̄ = y ȳ, without − y Σ y ȳ",
          Kind::missing_term,
          "x",
          {{"x", {2, 3}}},
          {2, 3},
          [](auto& x) { return softmax(x[0]); },
          [](auto& x, auto& g) { return Tensors{softmax(x[0]) * g}; },
          [](In x, Out y) {
            for (std::size_t row = 0; row < 6; row += 3) {
              double total = 0;
              for (std::size_t i = row; i < row + 3; ++i) total += std::exp(x[0][i]);
              for (std::size_t i = row; i < row + 3; ++i) y[0][i] = std::exp(x[0][i]) / total;
            }
          },
          [](In, In y, In g, Out gradients) {
            for (std::size_t i = 0; i < 6; ++i) gradients[0][i] = y[0][i] * g[0][i];
          }};
}

PlantedMistake product() {
  return {"product",
          "x̄ = ȳ w, not ȳ wᵀ",
          Kind::transposed,
          "x",
          {{"x", {2, 3}}, {"w", {3, 3}}},
          {2, 3},
          [](auto& x) { return matmul(x[0], x[1]); },
          [](auto& x, auto& g) {
            return Tensors{matmul(g, x[1]), matmul(x[0], g, Transposed::a)};
          },
          [](In x, Out y) {
            for (std::size_t i = 0; i < 2; ++i)
              for (std::size_t j = 0; j < 3; ++j) {
                y[0][3 * i + j] = 0;
                for (std::size_t k = 0; k < 3; ++k)
                  y[0][3 * i + j] += x[0][3 * i + k] * x[1][3 * k + j];
              }
          },
          [](In x, In, In g, Out gradients) {
            std::ranges::fill(gradients[0], 0);
            std::ranges::fill(gradients[1], 0);
            for (std::size_t i = 0; i < 2; ++i)
              for (std::size_t j = 0; j < 3; ++j)
                for (std::size_t k = 0; k < 3; ++k) {
                  gradients[0][3 * i + j] += g[0][3 * i + k] * x[1][3 * k + j];
                  gradients[1][3 * j + k] += x[0][3 * i + j] * g[0][3 * i + k];
                }
          }};
}

// ---- Indices -----------------------------------------------------------------------------------

PlantedMistake middle() {
  return {"middle",
          "ȳ is put one place too early",
          Kind::shifted,
          "x",
          {{"x", {6}}},
          {3},
          [](auto& x) { return slice(x[0], 0, 2, 5); },
          [](auto&, auto& g) {
            return Tensors{concat({zeros({1}, DType::f64), g, zeros({2}, DType::f64)}, 0)};
          },
          [](In x, Out y) {
            for (std::size_t i = 0; i < 3; ++i) y[0][i] = x[0][i + 2];
          },
          [](In, In, In g, Out gradients) {
            std::ranges::fill(gradients[0], 0);
            for (std::size_t i = 0; i < 3; ++i) gradients[0][i + 1] = g[0][i];
          }};
}

PlantedMistake lookup() {
  static constexpr std::array<std::size_t, 4> ids = {1, 3, 1, 0};
  return {"lookup",
          "table̅[ids] = ȳ, which must be added where an id repeats",
          Kind::overwritten,
          "table",
          {{"table", {4, 2}}},
          {4, 2},
          [](auto& x) {
            return gather(x[0], ints({1, 3, 1, 0}));
          },
          [](auto&, auto& g) {
            const Tensor last = gather(g, ints({3, 2, 1}));
            return Tensors{scatter_add(last, ints({0, 1, 3}), 0, 4)};
          },
          [](In x, Out y) {
            for (std::size_t i = 0; i < 8; ++i) y[0][i] = x[0][2 * ids[i / 2] + i % 2];
          },
          [](In, In, In g, Out gradients) {
            std::ranges::fill(gradients[0], 0);
            for (std::size_t i = 0; i < 8; ++i) gradients[0][2 * ids[i / 2] + i % 2] = g[0][i];
          }};
}

}  // namespace

GradcheckReport PlantedMistake::check_operation() const {
  Tensors xs;
  GradcheckOptions options;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    xs.push_back(point(*this, i));
    options.names.push_back(inputs[i].first);
  }
  return gradcheck(
      [&](const Tensors& in) {
        return Tensors{apply_list(Handmade{f, rule}, in)};
      },
      xs, options);
}

GradcheckReport PlantedMistake::check_arrays() const {
  std::vector<Array<double>> arrays;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    arrays.push_back({inputs[i].first, inputs[i].second, numbers(point(*this, i))});
  return check_vjp(forward, backward, arrays, {{"y", output}});
}

bool PlantedMistake::named_by(const GradcheckReport& report) const {
  return !report && report.diagnoses.size() == 1 && report.diagnoses[0].kind == kind &&
         report.diagnoses[0].name == input;
}

std::vector<PlantedMistake> ten_mistakes() {
  return {subtract(),  mean_square(), product(),      add_bias(), middle(),
          relu_mask(), multiply(),    softmax_term(), lookup(),   gelu_approximated()};
}

}  // namespace adjoint::testing
