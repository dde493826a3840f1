// Running sums and products along axes.

#include <algorithm>
#include <cmath>
#include <vector>

#include "autograd/apply.h"
#include "autograd/kernels/elementwise.h"
#include "autograd/ops.h"

namespace adjoint {
namespace {

// A sum that keeps what each addition rounds away, so that its error does not grow with the number
// of terms. (Neumaier 1974, the variant of Kahan's summation that also handles terms larger than
// the sum.)
class Total {
 public:
  double add(double term) {
    const double next = sum_ + term;
    if (std::isfinite(next))
      lost_ += std::abs(sum_) >= std::abs(term) ? (sum_ - next) + term : (term - next) + sum_;
    sum_ = next;
    return lost_ == 0 ? sum_ : sum_ + lost_;
  }

 private:
  double sum_ = -0.0, lost_ = 0;  // −0 + x is x, even if x is −0
};

// yᵢ = Σ_{j ≤ i} xⱼ, so xⱼ is part of every yᵢ with i ≥ j.
struct CumSum {
  static constexpr auto name = "cumsum";
  static constexpr const char* rule[] = {
      "y = the running sum of x along axis, from its end if from_end",
      "x̄ = the running sum of ȳ from the other end",
  };
  static constexpr Operands reads = {};
  Index axis;
  bool from_end = false;
  Attributes attributes() const { return {{"axis", axis}, {"from_end", from_end}}; }

  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const AxisView view(in[0].shape(), axis);
    const T* const x = in[0].values<T>().data();
    T* const y = out[0].edit<T>().data();
    kernels::parallel_rows(view.outer, view.size * view.inner, [&](Index outer) {
      std::vector<Total> totals(static_cast<std::size_t>(view.inner));
      for (Index step = 0; step < view.size; ++step) {
        const Index row = from_end ? view.size - 1 - step : step;
        Index at = (outer * view.size + row) * view.inner;
        for (Total& total : totals) {
          y[at] = static_cast<T>(total.add(static_cast<double>(x[at])));
          ++at;
        }
      }
    });
  }
  Tensors vjp(const Pullback& back) const {
    return {apply(CumSum{axis, !from_end}, back.cotangent())};
  }
};

}  // namespace

Tensor cumsum(const Tensor& x, Index axis) {
  return apply(CumSum{resolve_axis("cumsum", x.shape(), axis)}, x);
}

// Multiplies one half of the factors by the other until one is left. Nothing is divided by a
// factor, so derivatives of every order are right even where elements are 0.
Tensor prod(const Tensor& x, const Axes& axes, Keep keep) {
  require(x.defined(), "prod: input 0 is empty: no value was assigned to it");
  require(is_real(x.dtype()), "prod: does not take tensors of ", x.dtype(),
          "; cast() them to f32 or f64");
  const Axes reduced = resolve_axes("prod", x.shape(), axes);
  Axes order = reduced;
  Shape rest, kept = x.shape();
  Index count = 1;
  for (Index axis = 0; axis < x.rank(); ++axis) {
    if (std::ranges::binary_search(reduced, axis)) {
      count *= x.size(axis);
      kept = kept.with(axis, 1);
    } else {
      order.push_back(axis);
      rest = rest.inserted(rest.rank(), x.size(axis));
    }
  }
  if (count == 0) return sum(x, axes, keep) + 1;
  Tensor factors = reshape(permute(x, order), {count, rest.numel()});  // [count, results]
  while (factors.size(0) > 1) {
    const Index half = factors.size(0) / 2;
    Tensor product = slice(factors, 0, 0, half) * slice(factors, 0, half, 2 * half);
    if (factors.size(0) % 2 == 1)
      product = concat({product, slice(factors, 0, 2 * half, 2 * half + 1)}, 0);
    factors = product;
  }
  return reshape(factors, keep == Keep::yes ? kept : rest);
}

}  // namespace adjoint
