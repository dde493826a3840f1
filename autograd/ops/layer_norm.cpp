// Layer normalisation.

#include <algorithm>

#include "autograd/kernels/elementwise.h"
#include "autograd/kernels/rows.h"
#include "autograd/operation.h"
#include "autograd/ops.h"
#include "autograd/ops/formula.h"

namespace adjoint {
namespace {

Tensor layer_norm_formula(const Tensor& x, const Tensor& gain, const Tensor& bias, double epsilon) {
  const Tensor centered = x - mean(x, {-1}, Keep::yes);
  const Tensor deviation = sqrt(mean(pow(centered, 2), {-1}, Keep::yes) + epsilon);
  return centered / deviation * gain + bias;
}

// (x, gain, bias, ȳ) to (x̄, gain̅, bias̅), as derived in kernels/rows.h
struct LayerNormVjp {
  static constexpr auto name = "layer_norm_vjp";
  static constexpr Reads reads = {input(0), input(1), input(2), input(3)};
  static constexpr std::size_t outputs = 3;
  double epsilon;

  std::array<Form, 3> forms(Inputs in) const { return {in[0].form(), in[1].form(), in[1].form()}; }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const Index width = in[0].size(-1), rows = in[0].numel() / std::max<Index>(1, width);
    const T *const x = in[0].values<T>().data(), *const gain = in[1].values<T>().data(),
                   *const g = in[3].values<T>().data();
    T* const dx = out[0].edit<T>().data();
    // Sums over rows: first within fixed pieces, then over the pieces in order.
    const Index grain = std::max<Index>(16, kernels::elementwise_grain / std::max<Index>(1, width));
    const Index pieces = (rows + grain - 1) / grain;
    std::vector<T> partial(static_cast<std::size_t>(2 * pieces * width), T{0});
    parallel_for(rows, grain, [&](Index begin, Index end) {
      T* const dgain = partial.data() + begin / grain * 2 * width;
      for (Index row = begin; row < end; ++row)
        kernels::layer_norm_vjp(x + row * width, gain, g + row * width, static_cast<T>(epsilon),
                                dx + row * width, dgain, dgain + width, width);
    });
    for (const std::size_t which : {1u, 2u}) {
      const std::span<T> total = out[which].edit<T>();
      std::ranges::fill(total, T{0});
      for (Index piece = 0; piece < pieces; ++piece) {
        const Index at = (2 * piece + static_cast<Index>(which) - 1) * width;
        for (Index i = 0; i < width; ++i)
          total[static_cast<std::size_t>(i)] += partial[static_cast<std::size_t>(at + i)];
      }
    }
  }
  Tensors vjp(const Pullback& back) const {
    const Formula formula = [this](const Tensors& in) {
      return layer_norm_formula(in[0], in[1], in[2], epsilon);
    };
    return vjp_of_backward(formula, back);
  }
};

// y = x̂ ⊙ gain + bias,  x̂ = (x − mean) / √(variance + ε)
struct LayerNorm {
  static constexpr auto name = "layer_norm";
  static constexpr Reads reads = {input(0), input(1), input(2)};
  double epsilon;

  Form form(Inputs in) const {
    const Shape& x = in[0].shape();
    require(x.rank() >= 1 && x[-1] > 0, "layer_norm: x needs a last axis with elements, is ", x);
    require(in[1].shape() == Shape{x[-1]} && in[2].shape() == Shape{x[-1]},
            "layer_norm: gain and bias must be [", x[-1], "], are ", in[1].shape(), " and ",
            in[2].shape());
    return in[0].form();
  }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const Index width = in[0].size(-1);
    const T *const x = in[0].values<T>().data(), *const gain = in[1].values<T>().data(),
                   *const bias = in[2].values<T>().data();
    T* const y = out[0].edit<T>().data();
    kernels::parallel_rows(in[0].numel() / width, width, [&](Index row) {
      kernels::layer_norm(x + row * width, gain, bias, static_cast<T>(epsilon), y + row * width,
                          width);
    });
  }
  Tensors vjp(const Pullback& back) const {
    const auto [x, gain, bias] = apply_all(LayerNormVjp{epsilon}, back.input(0), back.input(1),
                                           back.input(2), back.cotangent());
    return {x, gain, bias};
  }
};

}  // namespace

Tensor layer_norm(const Tensor& x, const Tensor& gain, const Tensor& bias, double epsilon) {
  if (!composed()) return apply(LayerNorm{epsilon}, x, gain, bias);
  require_form(LayerNorm{epsilon}, x, gain, bias);
  return layer_norm_formula(x, gain, bias, epsilon);
}

}  // namespace adjoint
