// Probabilities over the last axis.

#include <limits>

#include "autograd/kernels/elementwise.h"
#include "autograd/kernels/rows.h"
#include "autograd/apply.h"
#include "autograd/ops.h"

namespace adjoint {
namespace {

struct Rows {
  Index count, width;
  explicit Rows(const Tensor& x) : count(x.shape().numel(0, x.rank() - 1)), width(x.size(-1)) {}
};

void require_axis(const char* name, const Tensor& x) {
  require(x.rank() >= 1, name, ": x must have at least one axis, got ", x.shape());
}

// z = y ⊙ (ȳ − ⟨ȳ, y⟩)         given u for z:  y's gradient is u ⊙ (ȳ − ⟨ȳ, y⟩) − ⟨u, y⟩ ȳ,
//                                              ȳ's is of the same form as z: y ⊙ (u − ⟨u, y⟩)
struct SoftmaxVjp {
  static constexpr auto name = "softmax_vjp";
  static constexpr Operands reads = {input(0), input(1)};
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const Rows rows(in[0]);
    const T *const y = in[0].values<T>().data(), *const g = in[1].values<T>().data();
    T* const z = out[0].edit<T>().data();
    kernels::parallel_rows(rows.count, rows.width, [&](Index row) {
      const Index at = row * rows.width;
      kernels::softmax_vjp(y + at, g + at, z + at, rows.width);
    });
  }
  Tensors vjp(const Pullback& back) const {
    const Tensor y = back.input(0), g = back.input(1), &u = back.cotangent();
    return back.gradients(
        [&] { return u * (g - sum(g * y, {-1}, Keep::yes)) - sum(u * y, {-1}, Keep::yes) * g; },
        [&] { return apply(SoftmaxVjp{}, y, u); });
  }
};

// y = exp(x) / Σ exp(x)        x̄ = y ⊙ (ȳ − ⟨ȳ, y⟩)
struct Softmax {
  static constexpr auto name = "softmax";
  static constexpr Operands reads = {output(0)};  // never x
  Form form(Inputs in) const {
    require_axis(name, in[0]);
    return in[0].form();
  }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const Rows rows(in[0]);
    const T* const x = in[0].values<T>().data();
    T* const y = out[0].edit<T>().data();
    kernels::parallel_rows(rows.count, rows.width, [&](Index row) {
      kernels::softmax(x + row * rows.width, y + row * rows.width, rows.width);
    });
  }
  Tensors vjp(const Pullback& back) const {
    return {apply(SoftmaxVjp{}, back.output(0), back.cotangent())};
  }
};

// The same over the elements where the mask is true, 0 elsewhere. Where y is 0, x̄ is 0: the vjp
// needs no mask.
struct MaskedSoftmax {
  static constexpr auto name = "masked_softmax";
  static constexpr Operands constants = {input(1)};
  static constexpr Operands reads = {output(0)};
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const Rows rows(in[0]);
    const T* const x = in[0].values<T>().data();
    const bool* const mask = in[1].values<bool>().data();
    T* const y = out[0].edit<T>().data();
    kernels::parallel_rows(rows.count, rows.width, [&](Index row) {
      const Index at = row * rows.width;
      for (Index i = at; i < at + rows.width; ++i)
        y[i] = mask[i] ? x[i] : -std::numeric_limits<T>::infinity();
      kernels::softmax(y + at, y + at, rows.width);
    });
  }
  Tensors vjp(const Pullback& back) const {
    return {apply(SoftmaxVjp{}, back.output(0), back.cotangent()), Tensor()};
  }
};

// y = x − log Σ exp(x)         x̄ = ȳ − exp(y) Σ ȳ
struct LogSoftmax {
  static constexpr auto name = "log_softmax";
  static constexpr Operands reads = {output(0)};
  Form form(Inputs in) const {
    require_axis(name, in[0]);
    return in[0].form();
  }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const Rows rows(in[0]);
    const T* const x = in[0].values<T>().data();
    T* const y = out[0].edit<T>().data();
    kernels::parallel_rows(rows.count, rows.width, [&](Index row) {
      const T* const from = x + row * rows.width;
      T* const to = y + row * rows.width;
      const kernels::LogSumExp<T> total(from, to, rows.width);
      for (Index i = 0; i < rows.width; ++i) to[i] = (from[i] - total.largest) - total.rest;
    });
  }
  Tensors vjp(const Pullback& back) const {
    const Tensor& g = back.cotangent();
    return {g - exp(back.output(0)) * sum(g, {-1}, Keep::yes)};
  }
};

// The formulas that the fused kernels stand for. The largest element is subtracted as a constant,
// since the result does not depend on it; where every element is −∞, nothing is.
Tensor centered(const Tensor& x) {
  const Tensor largest = max(detach(x), {-1}, Keep::yes);
  const Tensor lowest = scalar(-std::numeric_limits<double>::infinity(), x.dtype());
  return x - where(equal(largest, lowest), scalar(0, x.dtype()), largest);
}

Tensor softmax_formula(const Tensor& x) {
  const Tensor e = exp(centered(x));
  const Tensor total = sum(e, {-1}, Keep::yes);
  const Tensor nothing = equal(total, scalar(0, x.dtype()));
  return e / where(nothing, scalar(1, x.dtype()), total);
}

}  // namespace

Tensor softmax(const Tensor& x) {
  if (composed() && x.rank() > 0 && x.size(-1) > 0) return softmax_formula(x);
  return apply(Softmax{}, x);
}

Tensor log_softmax(const Tensor& x) {
  if (!composed() || x.rank() == 0 || x.size(-1) == 0) return apply(LogSoftmax{}, x);
  const Tensor c = centered(x);
  return c - logsumexp(c, {-1}, Keep::yes);
}

Tensor masked_softmax(const Tensor& x, const Tensor& mask) {
  require_axis("masked_softmax", x);
  require(mask.dtype() == DType::b8, "masked_softmax: the mask must be b8, is ", mask.dtype());
  require(broadcastable(x.shape(), mask.shape()) &&
              broadcast("masked_softmax", x.shape(), mask.shape()) == x.shape(),
          "masked_softmax: the mask ", mask.shape(), " does not broadcast to x ", x.shape());
  const Tensor spread = broadcast_to(mask, x.shape());
  if (!composed() || x.size(-1) == 0) return apply(MaskedSoftmax{}, x, spread);

  const Tensor lowest = scalar(-std::numeric_limits<double>::infinity(), x.dtype());
  return softmax_formula(where(spread, x, lowest));
}

}  // namespace adjoint
