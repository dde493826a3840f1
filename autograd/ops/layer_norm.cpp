// Layer normalisation, alone and at the end of a residual connection.

#include <algorithm>

#include "autograd/apply.h"
#include "autograd/kernels/row_sums.h"
#include "autograd/kernels/rows.h"
#include "autograd/ops.h"
#include "autograd/ops/formula.h"
#include "autograd/ops/rows.h"

namespace adjoint {
namespace {

Tensor layer_norm_formula(const Tensor& x, const Tensor& gain, const Tensor& bias, double epsilon) {
  const Tensor centered = x - mean(x, {-1}, Keep::yes);
  const Tensor deviation = sqrt(mean(pow(centered, 2), {-1}, Keep::yes) + epsilon);
  return centered / deviation * gain + bias;
}

void require_norm(const char* name, const Shape& x, const Shape& gain, const Shape& bias) {
  require_features(name, x);
  require(gain == Shape{x[-1]} && bias == Shape{x[-1]}, name, ": gain and bias must be [", x[-1],
          "], are ", gain, " and ", bias);
}

// ---- layer_norm(x) -----------------------------------------------------------------------------

struct LayerNormVjp {
  static constexpr auto name = "layer_norm_vjp";
  static constexpr const char* rule[] = {
      "z₀, z₁, z₂ = the gradients of layer_norm(x, γ, β) for the cotangent g",
      "x̄ = ∂⟨z̄, z⟩/∂x",
      "γ̄ = ∂⟨z̄, z⟩/∂γ",
      "β̄ = 0",
      "ḡ = J z̄, the change of layer_norm when x, γ, β move along z̄",
  };
  static constexpr Operands reads = {input(0), input(1), input(2), input(3)};
  double epsilon;
  Attributes attributes() const { return {{"epsilon", epsilon}}; }

  std::array<Form, 3> form(Inputs in) const { return {in[0].form(), in[1].form(), in[1].form()}; }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const Index width = in[0].size(-1);
    const T *const x = in[0].values<T>().data(), *const gain = in[1].values<T>().data(),
                   *const g = in[3].values<T>().data();
    T* const dx = out[0].edit<T>().data();
    kernels::sum_over_rows(row_count(in[0].shape()), width,
                           std::array{out[1].edit<T>().data(), out[2].edit<T>().data()},
                           [&](Index begin, Index end, const auto& sums) {
                             for (Index at = begin * width; at < end * width; at += width)
                               kernels::layer_norm_vjp(x + at, gain, g + at,
                                                       static_cast<T>(epsilon), dx + at, sums[0],
                                                       sums[1], width);
                           });
  }
  Tensors vjp(const Pullback& back) const {
    return vjp_of_backward(
        [this](const Tensors& in) { return layer_norm_formula(in[0], in[1], in[2], epsilon); },
        back);
  }
};

// README.md derives the vjp.
struct LayerNorm {
  static constexpr auto name = "layer_norm";
  static constexpr const char* rule[] = {
      "y = γ x̂ + β, x̂ = r (x − mean x), r = 1/√(var x + epsilon) over the last axis",
      "x̄ = r (h − mean h − x̂ mean(h x̂)), h = ȳ γ",
      "γ̄ = Σ ȳ x̂ over the rows",
      "β̄ = Σ ȳ over the rows",
  };
  static constexpr Operands reads = {input(0), input(1), input(2)};
  double epsilon;
  Attributes attributes() const { return {{"epsilon", epsilon}}; }

  Form form(Inputs in) const {
    require_norm(name, in[0].shape(), in[1].shape(), in[2].shape());
    require_epsilon(name, epsilon, in[0].dtype());
    return in[0].form();
  }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const T *const x = in[0].values<T>().data(), *const gain = in[1].values<T>().data(),
                   *const bias = in[2].values<T>().data();
    T* const y = out[0].edit<T>().data();
    each_row(in[0].shape(), [&](Index at, Index width) {
      kernels::layer_norm(x + at, gain, bias, static_cast<T>(epsilon), y + at, width);
    });
  }
  Tensors vjp(const Pullback& back) const {
    const auto [x, gain, bias] = apply_all(LayerNormVjp{epsilon}, back.input(0), back.input(1),
                                           back.input(2), back.cotangent());
    return {x, gain, bias};
  }
};

// ---- layer_norm(x + dropout(f)) ----------------------------------------------------------------

Tensor add_norm_formula(const Tensor& x, const Tensor& f, const Tensor& gain, const Tensor& bias,
                        const AddNormOptions& o) {
  return layer_norm(x + dropout(f, o.dropout, o.key, o.rows), gain, bias, o.epsilon);
}

// Calls f(position of the row's first element) for each of the rows [begin, end). Before, it writes
// the row's factors of dropout to the same positions of `factors`: 1/(1 − p) or 0, or 1 without
// dropout. It draws them for a block of rows, so few that f finds them in the cache.
template <Real T, class F>
void each_row_with_factors(const AddNormOptions& o, Index begin, Index end, Index width, T* factors,
                           F f) {
  constexpr Index block = 16;
  const RowDropout mask{o.dropout, o.key, o.rows};
  for (Index first = begin; first < end; first += block) {
    const Index last = std::min(end, first + block);
    T* const here = factors + first * width;
    std::fill_n(here, (last - first) * width, T{1});
    if (o.dropout > 0) mask.apply(here, here, first, last, width);
    for (Index at = first * width; at < last * width; at += width) f(at);
  }
}

// Neither m, the factors of dropout, nor s = x + m f is kept: both are made again.
Attributes attributes_of(const AddNormOptions& o) {
  Attributes result = {{"epsilon", o.epsilon}};
  if (o.dropout > 0) result.push_back({"dropout", o.dropout});
  return result;
}

struct AddNormVjp {
  static constexpr auto name = "add_norm_vjp";
  static constexpr const char* rule[] = {
      "z₀, z₁, z₂, z₃ = the gradients of add_norm(x, f, γ, β) for the cotangent g",
      "x̄ = ∂⟨z̄, z⟩/∂x",
      "f̄ = ∂⟨z̄, z⟩/∂f",
      "γ̄ = ∂⟨z̄, z⟩/∂γ",
      "β̄ = 0",
      "ḡ = J z̄, the change of add_norm when x, f, γ, β move along z̄",
  };
  static constexpr Operands reads = {input(0), input(1), input(2), input(3), input(4)};
  AddNormOptions options;
  Attributes attributes() const { return attributes_of(options); }

  std::array<Form, 4> form(Inputs in) const {
    return {in[0].form(), in[1].form(), in[2].form(), in[3].form()};
  }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const Index width = in[0].size(-1);
    const T *const x = in[0].values<T>().data(), *const f = in[1].values<T>().data(),
                   *const gain = in[2].values<T>().data(), *const g = in[4].values<T>().data();
    T *const dx = out[0].edit<T>().data(), *const df = out[1].edit<T>().data();
    const T epsilon = static_cast<T>(options.epsilon);
    kernels::sum_over_rows(
        row_count(in[0].shape()), width,
        std::array{out[2].edit<T>().data(), out[3].edit<T>().data()},
        [&](Index begin, Index end, const auto& sums) {
          each_row_with_factors(options, begin, end, width, df, [&](Index at) {
            T *const ds = dx + at, *const m = df + at;  // ds holds s first, df the factors
            kernels::add_kept(x + at, f + at, m, ds, width);
            kernels::layer_norm_vjp(ds, gain, g + at, epsilon, ds, sums[0], sums[1], width);
            kernels::keep(ds, m, df + at, width);
          });
        });
  }
  Tensors vjp(const Pullback& back) const {
    return vjp_of_backward(
        [this](const Tensors& in) { return add_norm_formula(in[0], in[1], in[2], in[3], options); },
        back);
  }
};

struct AddNorm {
  static constexpr auto name = "add_norm";
  static constexpr const char* rule[] = {
      "y = layer_norm(s, γ, β), s = x + m f, m = 0 or 1/(1 − dropout) at random",
      "x̄ = s̄, which is x̄ of layer_norm at s",
      "f̄ = s̄ m, with the same m",
      "γ̄ = Σ ȳ ŝ over the rows, ŝ the normalised s",
      "β̄ = Σ ȳ over the rows",
  };
  static constexpr Operands reads = {input(0), input(1), input(2), input(3)};
  AddNormOptions options;
  Attributes attributes() const { return attributes_of(options); }

  Form form(Inputs in) const {
    const Shape& x = in[0].shape();
    require_norm(name, x, in[2].shape(), in[3].shape());
    require_epsilon(name, options.epsilon, in[0].dtype());
    require(in[1].shape() == x, "add_norm: x and f must have the same shape, are ", x, " and ",
            in[1].shape());
    RowDropout{options.dropout, options.key, options.rows}.check(name, x);
    return in[0].form();
  }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const Index width = in[0].size(-1);
    const T *const x = in[0].values<T>().data(), *const f = in[1].values<T>().data(),
                   *const gain = in[2].values<T>().data(), *const bias = in[3].values<T>().data();
    T* const y = out[0].edit<T>().data();
    const T epsilon = static_cast<T>(options.epsilon);
    each_piece_of_rows(in[0].shape(), [&](Index begin, Index end) {
      each_row_with_factors(options, begin, end, width, y, [&](Index at) {
        kernels::add_kept(x + at, f + at, y + at, y + at, width);
        kernels::layer_norm(y + at, gain, bias, epsilon, y + at, width);
      });
    });
  }
  Tensors vjp(const Pullback& back) const {
    const auto [x, f, gain, bias] = apply_all(AddNormVjp{options}, back.input(0), back.input(1),
                                              back.input(2), back.input(3), back.cotangent());
    return {x, f, gain, bias};
  }
};

}  // namespace

Tensor layer_norm(const Tensor& x, const Tensor& gain, const Tensor& bias, double epsilon) {
  if (!composed()) return apply(LayerNorm{epsilon}, x, gain, bias);
  require_form(LayerNorm{epsilon}, x, gain, bias);
  return layer_norm_formula(x, gain, bias, epsilon);
}

Tensor add_norm(const Tensor& x, const Tensor& f, const Tensor& gain, const Tensor& bias,
                const AddNormOptions& options) {
  if (!composed()) return apply(AddNorm{options}, x, f, gain, bias);
  require_form(AddNorm{options}, x, f, gain, bias);
  return add_norm_formula(x, f, gain, bias, options);
}

}  // namespace adjoint
