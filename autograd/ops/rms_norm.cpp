// Root mean square normalisation.

#include "autograd/apply.h"
#include "autograd/kernels/row_sums.h"
#include "autograd/kernels/rows.h"
#include "autograd/ops.h"
#include "autograd/ops/formula.h"
#include "autograd/ops/rows.h"

namespace adjoint {
namespace {

Tensor rms_norm_formula(const Tensor& x, const Tensor& gain, double epsilon) {
  return x / sqrt(mean(pow(x, 2), {-1}, Keep::yes) + epsilon) * gain;
}

struct RmsNormVjp {
  static constexpr auto name = "rms_norm_vjp";
  static constexpr const char* rule[] = {
      "z₀, z₁ = the gradients of rms_norm(x, γ) for the cotangent g",
      "x̄ = ∂⟨z̄, z⟩/∂x",
      "γ̄ = ∂⟨z̄, z⟩/∂γ",
      "ḡ = J z̄, the change of rms_norm when x, γ move along z̄",
  };
  static constexpr Operands reads = {input(0), input(1), input(2)};
  double epsilon;
  Attributes attributes() const { return {{"epsilon", epsilon}}; }

  std::array<Form, 2> form(Inputs in) const { return {in[0].form(), in[1].form()}; }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const Index width = in[0].size(-1);
    const T *const x = in[0].values<T>().data(), *const gain = in[1].values<T>().data(),
                   *const g = in[2].values<T>().data();
    T* const dx = out[0].edit<T>().data();
    kernels::sum_over_rows(row_count(in[0].shape()), width, std::array{out[1].edit<T>().data()},
                           [&](Index begin, Index end, const auto& sums) {
                             for (Index at = begin * width; at < end * width; at += width)
                               kernels::rms_norm_vjp(x + at, gain, g + at, static_cast<T>(epsilon),
                                                     dx + at, sums[0], width);
                           });
  }
  Tensors vjp(const Pullback& back) const {
    return vjp_of_backward(
        [this](const Tensors& in) { return rms_norm_formula(in[0], in[1], epsilon); }, back);
  }
};

// README.md derives the vjp.
struct RmsNorm {
  static constexpr auto name = "rms_norm";
  static constexpr const char* rule[] = {
      "y = γ x̂, x̂ = r x, r = 1/√(mean(x²) + epsilon) over the last axis",
      "x̄ = r (h − x̂ mean(h x̂)), h = ȳ γ",
      "γ̄ = Σ ȳ x̂ over the rows",
  };
  static constexpr Operands reads = {input(0), input(1)};
  double epsilon;
  Attributes attributes() const { return {{"epsilon", epsilon}}; }

  Form form(Inputs in) const {
    const Shape &x = in[0].shape(), &gain = in[1].shape();
    require_features(name, x);
    require_epsilon(name, epsilon, in[0].dtype());
    require(gain == Shape{x[-1]}, "rms_norm: gain must be [", x[-1], "], is ", gain);
    return in[0].form();
  }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const T *const x = in[0].values<T>().data(), *const gain = in[1].values<T>().data();
    T* const y = out[0].edit<T>().data();
    each_row(in[0].shape(), [&](Index at, Index width) {
      kernels::rms_norm(x + at, gain, static_cast<T>(epsilon), y + at, width);
    });
  }
  Tensors vjp(const Pullback& back) const {
    const auto [x, gain] =
        apply_all(RmsNormVjp{epsilon}, back.input(0), back.input(1), back.cotangent());
    return {x, gain};
  }
};

}  // namespace

Tensor rms_norm(const Tensor& x, const Tensor& gain, double epsilon) {
  if (!composed()) return apply(RmsNorm{epsilon}, x, gain);
  require_form(RmsNorm{epsilon}, x, gain);
  return rms_norm_formula(x, gain, epsilon);
}

}  // namespace adjoint
