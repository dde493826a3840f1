// Layer normalisation, alone and of the sum at the end of a residual connection.

#include <algorithm>
#include <vector>

#include "autograd/kernels/dropout.h"
#include "autograd/kernels/elementwise.h"
#include "autograd/kernels/row_sums.h"
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

void require_norm(const char* name, const Shape& x, const Shape& gain, const Shape& bias) {
  require(x.rank() >= 1 && x[-1] > 0, name, ": x needs a last axis with elements, is ", x);
  require(gain == Shape{x[-1]} && bias == Shape{x[-1]}, name, ": gain and bias must be [", x[-1],
          "], are ", gain, " and ", bias);
}

// ---- Alone -------------------------------------------------------------------------------------

// (x, gain, bias, ȳ) to (x̄, gain̅, bias̅), as derived in kernels/rows.h
struct LayerNormVjp {
  static constexpr auto name = "layer_norm_vjp";
  static constexpr Reads reads = {input(0), input(1), input(2), input(3)};
  static constexpr std::size_t outputs = 3;
  double epsilon;

  std::array<Form, 3> forms(Inputs in) const { return {in[0].form(), in[1].form(), in[1].form()}; }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const Index width = in[0].size(-1);
    const T *const x = in[0].values<T>().data(), *const gain = in[1].values<T>().data(),
                   *const g = in[3].values<T>().data();
    T* const dx = out[0].edit<T>().data();
    kernels::sum_over_rows(
        in[0].numel() / width, width, std::array{out[1].edit<T>().data(), out[2].edit<T>().data()},
        [&](Index begin, Index end, const auto& sums) {
          const auto [dgain, dbias] = sums;
          for (Index at = begin * width; at < end * width; at += width)
            kernels::layer_norm_vjp(x + at, gain, g + at, static_cast<T>(epsilon), dx + at, dgain,
                                    dbias, width);
        });
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
    require_norm(name, in[0].shape(), in[1].shape(), in[2].shape());
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

// ---- Of x + dropout(f) -------------------------------------------------------------------------

Tensor add_norm_formula(const Tensor& x, const Tensor& f, const Tensor& gain, const Tensor& bias,
                        const AddNormOptions& o) {
  return layer_norm(x + dropout(f, o.dropout, o.key, o.rows), gain, bias, o.epsilon);
}

// What dropout multiplies the elements of a row by: 1/(1 − p) if it keeps them, else 0; without
// dropout 1. For the rows [begin, end) in order: short ones are drawn several at a time.
template <Real T>
class DropFactors {
 public:
  DropFactors(const AddNormOptions& o, Index width, Index begin, Index end)
      : mask_(o.dropout, o.key.value()),
        draws_(o.dropout > 0),
        numbers_(o.rows.defined() ? o.rows.values<Index>().data() : nullptr),
        width_(width),
        block_(std::clamp<Index>(1024 / width, 1, 16)),
        drawn_(begin),
        end_(end),
        ones_(static_cast<std::size_t>(block_ * width), T{1}),
        factors_(ones_) {}
  // Valid until the next row is asked for.
  const T* of(Index row) {
    if (!draws_) return factors_.data();
    if (row == drawn_) draw();
    return factors_.data() + (row - first_) * width_;
  }

 private:
  void draw() {
    first_ = drawn_;
    drawn_ = std::min(end_, first_ + block_);
    mask_.apply(ones_.data(), factors_.data(), drawn_ - first_, width_, [&](Index i) {
      return static_cast<std::uint64_t>(numbers_ ? numbers_[first_ + i] : first_ + i);
    });
  }

  kernels::DropoutMask<T> mask_;
  bool draws_;
  const Index* numbers_;
  Index width_, block_;            // of how many rows at a time
  Index first_ = 0, drawn_, end_;  // rows [first, drawn) are at hand
  std::vector<T> ones_, factors_;  // [block, width]
};

// (x, f, gain, bias, ȳ) to (x̄, f̄, gain̅, bias̅). The mask is drawn and the sum s = x + m ⊙ f added
// up again, m being the factors of dropout:  x̄ = s̄ as of layer_norm,  f̄ = s̄ ⊙ m
struct AddNormVjp {
  static constexpr auto name = "add_norm_vjp";
  static constexpr Reads reads = {input(0), input(1), input(2), input(3), input(4)};
  static constexpr std::size_t outputs = 4;
  AddNormOptions options;

  std::array<Form, 4> forms(Inputs in) const {
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
        in[0].numel() / width, width, std::array{out[2].edit<T>().data(), out[3].edit<T>().data()},
        [&](Index begin, Index end, const auto& sums) {
          const auto [dgain, dbias] = sums;
          DropFactors<T> factors(options, width, begin, end);
          for (Index row = begin; row < end; ++row) {
            const Index at = row * width;
            const T* const m = factors.of(row);
            T* const ds = dx + at;  // s, and then its gradient
            kernels::add_kept(x + at, f + at, m, ds, width);
            kernels::layer_norm_vjp(ds, gain, g + at, epsilon, ds, dgain, dbias, width);
            kernels::keep(ds, m, df + at, width);
          }
        });
  }
  Tensors vjp(const Pullback& back) const {
    const Formula formula = [this](const Tensors& in) {
      return add_norm_formula(in[0], in[1], in[2], in[3], options);
    };
    return vjp_of_backward(formula, back);
  }
};

// y = layer_norm(x + dropout(f))
struct AddNorm {
  static constexpr auto name = "add_norm";
  static constexpr Reads reads = {input(0), input(1), input(2), input(3)};
  AddNormOptions options;

  Form form(Inputs in) const {
    const Shape& x = in[0].shape();
    require_norm(name, x, in[2].shape(), in[3].shape());
    require(in[1].shape() == x, "add_norm: x and f must have one shape, are ", x, " and ",
            in[1].shape());
    require(options.dropout >= 0 && options.dropout < 1,
            "add_norm: dropout must lie in [0, 1), is ", options.dropout);
    const Tensor& rows = options.rows;
    const Index count = x.numel(0, x.rank() - 1);
    require(!rows.defined() || (rows.dtype() == DType::i64 && rows.numel() == count),
            "add_norm: row numbers must be i64, one for each of the ", count, " rows of x ", x);
    return in[0].form();
  }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const Index width = in[0].size(-1);
    const T *const x = in[0].values<T>().data(), *const f = in[1].values<T>().data(),
                   *const gain = in[2].values<T>().data(), *const bias = in[3].values<T>().data();
    T* const y = out[0].edit<T>().data();
    const T epsilon = static_cast<T>(options.epsilon);
    const Index grain = std::max<Index>(1, kernels::elementwise_grain / width);
    parallel_for(in[0].numel() / width, grain, [&](Index begin, Index end) {
      DropFactors<T> factors(options, width, begin, end);
      for (Index row = begin; row < end; ++row) {
        const Index at = row * width;
        kernels::add_kept(x + at, f + at, factors.of(row), y + at, width);
        kernels::layer_norm(y + at, gain, bias, epsilon, y + at, width);
      }
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
