// Reductions over chosen axes.

#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/apply.h"
#include "autograd/kernels/reduce.h"
#include "autograd/ops.h"

namespace adjoint {
namespace {

using kernels::ReducedAxes;

// The adjacent axes [first, last) of x, which are reduced.
struct AxisRange {
  Index first, last;

  Attributes attributes() const {
    Axes axes;
    for (Index axis = first; axis < last; ++axis) axes.push_back(axis);
    return {{"axes", axes}};
  }
  ReducedAxes split(const Shape& x) const {
    return {x.numel(0, first), x.numel(first, last), x.numel(last, x.rank())};
  }
  Shape reduced(const Shape& x) const { return x.part(0, first).joined(x.part(last, x.rank())); }
  // The same. Error if there is nothing to choose from.
  Shape reduced_not_empty(const char* name, const Shape& x) const {
    require(split(x).count > 0, name, ": no elements to reduce, x is ", x);
    return reduced(x);
  }
  // Sets each element of y to f(first, count, step) of the elements of x that it is made from.
  template <Real T, Scalar Y, class F>
  void reduce(const Tensor& x, Tensor& y, F f) const {
    const T* const from = x.values<T>().data();
    Y* const to = y.edit<Y>().data();
    const ReducedAxes axes = split(x.shape());
    kernels::each_reduced(
        axes, [&](Index at, Index begin) { to[at] = f(from + begin, axes.count, axes.inner); });
  }
  // Repeats a reduced tensor over the reduced axes.
  Tensor spread(const Tensor& y, const Shape& x) const {
    Shape kept = x;
    for (Index axis = first; axis < last; ++axis) kept = kept.with(axis, 1);
    return broadcast_to(reshape(y, kept), x);
  }
};

// Op::value(x, count, step) is the result for `count` elements that lie `step` apart.
template <class Op>
struct Reduction {
  AxisRange range;
  Attributes attributes() const { return range.attributes(); }
  Form form(Inputs in) const { return {range.reduced(in[0].shape()), in[0].dtype()}; }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    range.reduce<T, T>(in[0], out[0], Op::template value<T>);
  }
};

struct Sum {
  static constexpr auto name = "sum";
  static constexpr const char* rule[] = {
      "y = Σ x over the given axes",
      "x̄ = ȳ, repeated along the summed axes",
  };
  static constexpr Operands reads = {};
  AxisRange range;
  Attributes attributes() const { return range.attributes(); }
  Form form(Inputs in) const { return {range.reduced(in[0].shape()), in[0].dtype()}; }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    kernels::sum_of(in[0].values<T>(), out[0].edit<T>(), range.split(in[0].shape()),
                    [](double total) { return total; });
  }
  Tensors vjp(const Pullback& back) const {
    return {range.spread(back.cotangent(), back.shape(0))};
  }
};

struct Mean {
  static constexpr auto name = "mean";
  static constexpr const char* rule[] = {
      "y = (Σ x) / n over the n elements along the given axes",
      "x̄ = ȳ / n, repeated along the averaged axes",
  };
  static constexpr Operands reads = {};
  AxisRange range;
  Attributes attributes() const { return range.attributes(); }
  Form form(Inputs in) const {
    return {range.reduced_not_empty(name, in[0].shape()), in[0].dtype()};
  }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    kernels::sum_of(in[0].values<T>(), out[0].edit<T>(), range.split(in[0].shape()),
                    [n = count(in[0].shape())](double total) { return total / n; });
  }
  Tensors vjp(const Pullback& back) const {
    const Shape& x = back.shape(0);
    return {range.spread(back.cotangent() / count(x), x)};
  }

 private:
  double count(const Shape& x) const { return static_cast<double>(range.split(x).count); }
};

struct Max : Reduction<Max> {
  static constexpr auto name = "max";
  static constexpr const char* rule[] = {
      "y = max x over the given axes",
      "x̄ = ȳ / (number of ties) where x = y, else 0",
  };
  static constexpr Operands reads = {input(0), output(0)};
  Form form(Inputs in) const {
    return {range.reduced_not_empty(name, in[0].shape()), in[0].dtype()};
  }
  template <Real T>
  static T value(const T* x, Index count, Index step) {
    return x[kernels::argmax(x, count, step) * step];
  }
  Tensors vjp(const Pullback& back) const {
    const Tensor x = back.input(0), &g = back.cotangent();
    const Tensor ties = cast(equal(x, range.spread(detach(back.output(0)), x.shape())), x.dtype());
    const Tensor count = apply(Sum{range}, ties);
    return {ties * range.spread(g / count, x.shape())};
  }
};

struct LogSumExp : Reduction<LogSumExp> {
  static constexpr auto name = "logsumexp";
  static constexpr const char* rule[] = {"y = log Σ eˣ over the given axes", "x̄ = ȳ e^(x − y)"};
  static constexpr Operands reads = {input(0), output(0)};
  // log Σ exp x = m + log Σ exp(x − m) for any m; with m the largest x nothing overflows.
  template <Real T>
  static T value(const T* x, Index count, Index step) {
    if (count == 0) return -std::numeric_limits<T>::infinity();
    const T largest = x[kernels::argmax(x, count, step) * step];
    if (std::isinf(largest)) return largest;
    const double total = kernels::sum_of_exponentials(x, count, step, largest);
    return largest + static_cast<T>(std::log(total));
  }
  Tensors vjp(const Pullback& back) const {
    const Tensor x = back.input(0), y = back.output(0);
    const Tensor g = range.spread(back.cotangent(), x.shape());
    const double infinity = std::numeric_limits<double>::infinity();
    const Tensor highest = scalar(infinity, y.dtype()), lowest = scalar(-infinity, y.dtype());
    // Where every x is −∞, so is y, and x − y would be NaN. Any finite y makes the gradient 0.
    const Tensor finite = where(equal(y, lowest), scalar(0, y.dtype()), y);
    if (!any_is(y, infinity)) return {g * exp(x - range.spread(finite, x.shape()))};
    // Where some x is ∞, the infinite ones share the gradient, as exp(0 − log count), and the
    // others get 0.
    const Tensor at_top = equal(range.spread(y, x.shape()), highest);
    const Tensor tops = where(equal(x, highest), scalar(0, x.dtype()), lowest);
    const Tensor count = apply(Sum{range}, cast(equal(x, highest), x.dtype()));
    const Tensor shift = where(equal(y, highest), log(count), finite);
    return {g * exp(where(at_top, tops, x) - range.spread(shift, x.shape()))};
  }
  static bool any_is(const Tensor& y, double value) {
    return dispatch(y.dtype(), [&]<class T>() {
      if constexpr (Real<T>) return std::ranges::count(y.values<T>(), static_cast<T>(value)) > 0;
      return false;
    });
  }
};

struct Norm : Reduction<Norm> {
  static constexpr auto name = "norm";
  static constexpr const char* rule[] = {
      "y = √Σ x² over the given axes",
      "x̄ = ȳ x / y, and 0 where y = 0",
  };
  static constexpr Operands reads = {input(0), output(0)};
  // The squares may overflow or underflow f64. Then it computes √Σ (s x)² / s, with a power of two
  // s that brings the largest x close to 1.
  template <Real T>
  static T value(const T* x, Index count, Index step) {
    const double total = squares(x, count, step, 1);
    if (!(total < 1e-280 || total > 1e300)) return static_cast<T>(std::sqrt(total));  // NaN too
    double largest = 0;
    for (Index c = 0; c < count; ++c)
      largest = std::max(largest, std::abs(static_cast<double>(x[c * step])));
    if (largest == 0 || std::isinf(largest)) return static_cast<T>(largest);
    const int exponent = std::ilogb(largest);
    const double scaled = std::sqrt(squares(x, count, step, std::ldexp(1.0, -exponent)));
    return static_cast<T>(std::ldexp(scaled, exponent));
  }
  // Σ (scale x)², added in halves, so that the error grows like the logarithm of the count.
  template <Real T>
  static double squares(const T* x, Index count, Index step, double scale) {
    if (count > 256) {
      const Index half = count / 2;
      return squares(x, half, step, scale) + squares(x + half * step, count - half, step, scale);
    }
    double total = 0;
    for (Index c = 0; c < count; ++c) {
      const double scaled = scale * static_cast<double>(x[c * step]);
      total += scaled * scaled;
    }
    return total;
  }
  Tensors vjp(const Pullback& back) const {
    const Tensor x = back.input(0), y = back.output(0), &g = back.cotangent();
    const Tensor at_zero = equal(y, scalar(0, y.dtype()));
    const Tensor length = where(at_zero, scalar(1, y.dtype()), y);
    const Tensor share = where(at_zero, scalar(0, y.dtype()), g);
    return {x / range.spread(length, x.shape()) * range.spread(share, x.shape())};
  }
};

struct ArgMax {
  static constexpr auto name = "argmax";
  static constexpr const char* rule[] = {"y = the index of the largest x along the given axis"};
  static constexpr NoDerivative vjp = {};
  AxisRange range;
  Attributes attributes() const { return range.attributes(); }
  Form form(Inputs in) const { return {range.reduced_not_empty(name, in[0].shape()), DType::i64}; }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    range.reduce<T, Index>(in[0], out[0], kernels::argmax<T>);
  }
};

// Applies the operation to the named axes. Axes that are not adjacent are first moved to the end.
template <class Op>
Tensor reduce(const Tensor& x, const Axes& axes, Keep keep) {
  const Axes reduced = resolve_axes(Op::name, x.shape(), axes);
  const auto count = static_cast<Index>(reduced.size());
  Shape kept = x.shape();
  for (const Index axis : reduced) kept = kept.with(axis, 1);

  Tensor y;
  if (count == 0 || reduced.back() - reduced.front() + 1 == count) {
    const Index first = count == 0 ? 0 : reduced.front();
    y = apply(Op{{first, first + count}}, x);
  } else {
    Axes order;
    for (Index axis = 0; axis < x.rank(); ++axis)
      if (!std::ranges::binary_search(reduced, axis)) order.push_back(axis);
    order.insert(order.end(), reduced.begin(), reduced.end());
    y = apply(Op{{x.rank() - count, x.rank()}}, permute(x, order));
  }
  return keep == Keep::yes ? reshape(y, kept) : y;
}

}  // namespace

Tensor sum(const Tensor& x, const Axes& axes, Keep keep) { return reduce<Sum>(x, axes, keep); }
Tensor mean(const Tensor& x, const Axes& axes, Keep keep) { return reduce<Mean>(x, axes, keep); }
Tensor max(const Tensor& x, const Axes& axes, Keep keep) { return reduce<Max>(x, axes, keep); }
Tensor logsumexp(const Tensor& x, const Axes& axes, Keep keep) {
  return reduce<LogSumExp>(x, axes, keep);
}
Tensor norm(const Tensor& x, const Axes& axes, Keep keep) { return reduce<Norm>(x, axes, keep); }
Tensor argmax(const Tensor& x, Index axis) { return reduce<ArgMax>(x, {axis}, Keep::no); }

Tensor variance(const Tensor& x, const Axes& axes, Keep keep) {
  return mean(pow(x - mean(x, axes, Keep::yes), 2), axes, keep);
}

Tensor sum_to(Tensor x, const Shape& shape) {
  if (x.shape() == shape) return x;
  require(broadcasts_to(shape, x.shape()), "sum_to: ", shape, " does not broadcast to ", x.shape());
  Axes repeated;
  const Index extra = x.rank() - shape.rank();
  for (Index axis = 0; axis < x.rank(); ++axis)
    if (axis < extra || (shape[axis - extra] == 1 && x.size(axis) != 1)) repeated.push_back(axis);
  return reshape(sum(x, repeated), shape);
}

}  // namespace adjoint
