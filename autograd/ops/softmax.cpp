// Probabilities over the last axis. README.md derives the vjps.

#include <limits>

#include "autograd/apply.h"
#include "autograd/kernels/masked_product.h"
#include "autograd/kernels/rows.h"
#include "autograd/ops.h"
#include "autograd/ops/rows.h"

namespace adjoint {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// ḡ has the form of z itself.
struct SoftmaxVjp {
  static constexpr auto name = "softmax_vjp";
  static constexpr const char* rule[] = {
      "z = y (g − Σ g y), Σ over the last axis",
      "ȳ = z̄ (g − Σ g y) − g Σ z̄ y",
      "ḡ = y (z̄ − Σ z̄ y)",
  };
  static constexpr Operands reads = {input(0), input(1)};
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const T *const y = in[0].values<T>().data(), *const g = in[1].values<T>().data();
    T* const z = out[0].edit<T>().data();
    each_row(in[0].shape(),
             [&](Index at, Index width) { kernels::softmax_vjp(y + at, g + at, z + at, width); });
  }
  Tensors vjp(const Pullback& back) const {
    const Tensor y = back.input(0), g = back.input(1), &z = back.cotangent();
    return back.gradients(
        [&] { return z * (g - sum(g * y, {-1}, Keep::yes)) - sum(z * y, {-1}, Keep::yes) * g; },
        [&] { return apply(SoftmaxVjp{}, y, z); });
  }
};

struct Softmax {
  static constexpr auto name = "softmax";
  static constexpr const char* rule[] = {"y = eˣ / Σ eˣ over the last axis", "x̄ = y (ȳ − Σ ȳ y)"};
  static constexpr Operands reads = {output(0)};  // never x
  Form form(Inputs in) const {
    require_last_axis(name, in[0].shape());
    return in[0].form();
  }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const T* const x = in[0].values<T>().data();
    T* const y = out[0].edit<T>().data();
    each_row(in[0].shape(),
             [&](Index at, Index width) { kernels::softmax(x + at, y + at, width); });
  }
  Tensors vjp(const Pullback& back) const {
    return {apply(SoftmaxVjp{}, back.output(0), back.cotangent())};
  }
};

// x where the mask is true, 0 elsewhere, whatever x holds there.
Tensor visible(const Tensor& x, const Tensor& mask) { return where(mask, x, scalar(0, x.dtype())); }

// The vjp reads the mask because 0 · NaN is NaN.
struct MaskedSoftmax {
  static constexpr auto name = "masked_softmax";
  static constexpr const char* rule[] = {
      "y = eˣ / Σ eˣ over the last axis where the mask is true, 0 elsewhere",
      "x̄ = y (ȳ − Σ ȳ y) where the mask is true, 0 elsewhere",
      "mask: no gradient",
  };
  static constexpr Operands constants = {input(1)};
  static constexpr Operands reads = {input(1), output(0)};
  Form form(Inputs in) const {
    const Shape &x = in[0].shape(), &mask = in[1].shape();
    require_last_axis(name, x);
    require(in[1].dtype() == DType::b8, "masked_softmax: the mask must be b8, is ", in[1].dtype(),
            "; cast() it");
    require(broadcasts_to(mask, x), "masked_softmax: the mask ", mask, " does not broadcast to x ",
            x);
    return in[0].form();
  }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const Shape& shape = in[0].shape();
    const std::span<T> y = out[0].edit<T>();
    kernels::zip_broadcast(
        in[0].values<T>(), shape, in[1].values<bool>(), in[1].shape(), y, shape,
        [](T x, bool visible) { return visible ? x : -std::numeric_limits<T>::infinity(); });
    each_row(shape,
             [to = y.data()](Index at, Index width) { kernels::softmax(to + at, to + at, width); });
    if (kernels::all_finite(std::span<const T>(y))) return;
    kernels::zip_broadcast(std::span<const T>(y), shape, in[1].values<bool>(), in[1].shape(), y,
                           shape, [](T x, bool visible) { return visible ? x : T{0}; });
  }
  Tensors vjp(const Pullback& back) const {
    const Tensor y = back.output(0), mask = back.input(1), &g = back.cotangent();
    if (all_finite(y) && all_finite(g)) return {apply(SoftmaxVjp{}, y, g), Tensor()};
    return {visible(apply(SoftmaxVjp{}, y, visible(g, mask)), mask), Tensor()};
  }

 private:
  static bool all_finite(const Tensor& x) {
    return dispatch(x.dtype(), [&]<class T>() {
      if constexpr (Real<T>) return kernels::all_finite(x.values<T>());
      return true;
    });
  }
};

struct LogSoftmax {
  static constexpr auto name = "log_softmax";
  static constexpr const char* rule[] = {"y = x − log Σ eˣ over the last axis", "x̄ = ȳ − eʸ Σ ȳ"};
  static constexpr Operands reads = {output(0)};
  Form form(Inputs in) const {
    require_last_axis(name, in[0].shape());
    return in[0].form();
  }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const T* const x = in[0].values<T>().data();
    T* const y = out[0].edit<T>().data();
    each_row(in[0].shape(), [&](Index at, Index width) {
      const kernels::LogSumExp<T> total(x + at, y + at, width);
      for (Index i = at; i < at + width; ++i) y[i] = total.relative(x[i]) - total.rest;
    });
  }
  Tensors vjp(const Pullback& back) const {
    const Tensor& g = back.cotangent();
    return {g - exp(back.output(0)) * sum(g, {-1}, Keep::yes)};
  }
};

// ---- The formulas that the fused kernels stand for ---------------------------------------------

// Whether to use them; not over no elements, which have no maximum.
bool use_formula(const Tensor& x) { return composed() && x.rank() > 0 && x.size(-1) > 0; }

// x less its largest element, which counts as a constant because the result does not depend on it.
// If every element is −∞, nothing is subtracted. ∞ − ∞ counts as 0.
Tensor centered(const Tensor& x) {
  const Tensor largest = max(detach(x), {-1}, Keep::yes), zero = scalar(0, x.dtype());
  const Tensor shift = where(equal(largest, scalar(-infinity, x.dtype())), zero, largest);
  return where(equal(x, scalar(infinity, x.dtype())), zero, x - shift);
}

Tensor softmax_formula(const Tensor& x) {
  const Tensor e = exp(centered(x)), total = sum(e, {-1}, Keep::yes);
  return e / where(equal(total, scalar(0, x.dtype())), scalar(1, x.dtype()), total);
}

}  // namespace

Tensor softmax(const Tensor& x) {
  return use_formula(x) ? softmax_formula(x) : apply(Softmax{}, x);
}

Tensor log_softmax(const Tensor& x) {
  if (!use_formula(x)) return apply(LogSoftmax{}, x);
  const Tensor c = centered(x);
  return c - logsumexp(c, {-1}, Keep::yes);
}

Tensor masked_softmax(const Tensor& x, const Tensor& mask) {
  if (!use_formula(x)) return apply(MaskedSoftmax{}, x, mask);
  require_form(MaskedSoftmax{}, x, mask);
  return visible(softmax_formula(where(mask, x, scalar(-infinity, x.dtype()))), mask);
}

}  // namespace adjoint
