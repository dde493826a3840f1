// Operations that move elements without computing anything; they take tensors of any type.

#include <algorithm>
#include <numeric>

#include "autograd/apply.h"
#include "autograd/kernels/elementwise.h"
#include "autograd/ops.h"

namespace adjoint {
namespace {

struct Reshape {
  static constexpr auto name = "reshape";
  static constexpr const char* rule[] = {"y = x in another shape", "x̄ = ȳ in x's shape"};
  static constexpr bool is_view = true;
  static constexpr Operands reads = {};
  Shape shape;
  Form form(Inputs in) const {
    require(in[0].numel() == shape.numel(), "reshape: ", in[0].shape(), " has ", in[0].numel(),
            " elements, ", shape, " has ", shape.numel());
    return {shape, in[0].dtype()};
  }
  Tensors vjp(const Pullback& back) const { return {reshape(back.cotangent(), back.shape(0))}; }
};

struct Permute {
  static constexpr auto name = "permute";
  static constexpr const char* rule[] = {"y = x, its axes in this order",
                                         "x̄ = ȳ, its axes put back"};
  static constexpr Operands reads = {};
  Axes order;
  Attributes attributes() const { return {{"order", order}}; }

  Form form(Inputs in) const {
    const Shape& x = in[0].shape();
    require(order.size() == static_cast<std::size_t>(x.rank()), "permute: the order has ",
            order.size(), " axes, x is ", x);
    resolve_axes(name, x, order);  // an error unless each axis exists and none is named twice
    std::vector<Index> sizes;
    for (const Index axis : order) sizes.push_back(x[axis]);
    return {Shape(sizes), in[0].dtype()};
  }

  template <Scalar T>
  void forward(Inputs in, Outputs out) const {
    const Shape &from = in[0].shape(), &to = out[0].shape();
    std::vector<Index> strides;  // how far one step along an axis of y goes in x
    for (const Index axis : order)
      strides.push_back(from.numel(from.resolve(axis) + 1, from.rank()));
    const T* const x = in[0].values<T>().data();
    T* const y = out[0].edit<T>().data();
    if (to.numel() == 0) return;
    const Index run = to.rank() == 0 ? 1 : to[-1];
    const Index step = to.rank() == 0 ? 1 : strides.back();
    kernels::parallel_rows(to.numel() / run, run, [&](Index row) {
      Index source = 0, rest = row;
      for (Index axis = to.rank() - 2; axis >= 0; --axis) {
        source += rest % to[axis] * strides[static_cast<std::size_t>(axis)];
        rest /= to[axis];
      }
      for (Index i = 0; i < run; ++i) y[row * run + i] = x[source + i * step];
    });
  }

  Tensors vjp(const Pullback& back) const {
    Axes inverse(order.size());
    for (std::size_t i = 0; i < order.size(); ++i)
      inverse[static_cast<std::size_t>(back.shape(0).resolve(order[i]))] = static_cast<Index>(i);
    return {permute(back.cotangent(), inverse)};
  }
};

struct BroadcastTo {
  static constexpr auto name = "broadcast_to";
  static constexpr const char* rule[] = {
      "y = x, repeated to fill shape",
      "x̄ = ȳ, summed over the repeated axes",
  };
  static constexpr Operands reads = {};
  Shape shape;
  Form form(Inputs in) const {
    require(broadcasts_to(in[0].shape(), shape), "broadcast_to: ", in[0].shape(),
            " does not broadcast to ", shape);
    return {shape, in[0].dtype()};
  }
  template <Scalar T>
  void forward(Inputs in, Outputs out) const {
    const std::span<const T> x = in[0].values<T>();
    kernels::zip_broadcast(x, in[0].shape(), x, in[0].shape(), out[0].edit<T>(), shape,
                           [](T value, T) { return value; });
  }
  Tensors vjp(const Pullback& back) const { return {sum_to(back.cotangent(), back.shape(0))}; }
};

// Copies `count` steps along an axis: from x, starting at x_begin, to y, starting at y_begin.
template <Scalar T>
void copy_steps(const Tensor& x, Index x_begin, Tensor& y, Index y_begin, Index axis, Index count) {
  const AxisView from(x.shape(), x.shape().resolve(axis)), to(y.shape(), y.shape().resolve(axis));
  const T* const source = x.values<T>().data();
  T* const target = y.edit<T>().data();
  if (count * from.inner == 0) return;  // `outer` may be huge
  for (Index o = 0; o < from.outer; ++o)
    std::copy_n(source + (o * from.size + x_begin) * from.inner, count * from.inner,
                target + (o * to.size + y_begin) * to.inner);
}

struct Unslice {
  static constexpr auto name = "unslice";
  static constexpr const char* rule[] = {
      "y = x placed at begin on an axis of the given size, 0 elsewhere",
      "x̄ = ȳ where x was placed",
  };
  static constexpr Operands reads = {};
  Index axis, begin, size;
  Attributes attributes() const { return {{"axis", axis}, {"begin", begin}, {"size", size}}; }
  Form form(Inputs in) const { return {in[0].shape().with(axis, size), in[0].dtype()}; }
  template <Scalar T>
  void forward(Inputs in, Outputs out) const {
    std::ranges::fill(out[0].edit<T>(), T{});
    copy_steps<T>(in[0], 0, out[0], begin, axis, in[0].size(axis));
  }
  Tensors vjp(const Pullback& back) const {
    return {slice(back.cotangent(), axis, begin, begin + back.shape(0)[axis])};
  }
};

struct Slice {
  static constexpr auto name = "slice";
  static constexpr const char* rule[] = {
      "y = x[begin … end) along axis",
      "x̄ = ȳ on [begin … end), 0 elsewhere",
  };
  static constexpr Operands reads = {};
  Index axis, begin, end;  // negative ones count from the end
  Attributes attributes() const { return {{"axis", axis}, {"begin", begin}, {"end", end}}; }

  static Index position(Index given, Index size) { return given < 0 ? given + size : given; }
  Form form(Inputs in) const {
    const Shape& x = in[0].shape();
    const Index size = x[resolve_axis(name, x, axis)];
    const Index first = position(begin, size), last = position(end, size);
    require(0 <= first && first <= last && last <= size, "slice: [", begin, ", ", end,
            ") is not a range on axis ", axis, " of a tensor of shape ", x);
    return {x.with(axis, last - first), in[0].dtype()};
  }
  template <Scalar T>
  void forward(Inputs in, Outputs out) const {
    const Index first = position(begin, in[0].size(axis));
    copy_steps<T>(in[0], first, out[0], 0, axis, out[0].size(axis));
  }
  Tensors vjp(const Pullback& back) const {
    const Index size = back.shape(0)[axis];
    return {apply(Unslice{axis, position(begin, size), size}, back.cotangent())};
  }
};

struct Concat {
  static constexpr auto name = "concat";
  static constexpr const char* rule[] = {
      "y = x₀, x₁, … joined along axis",
      "x̄ᵢ = the part of ȳ where xᵢ went",
  };
  static constexpr Operands reads = {};
  Index axis;
  Attributes attributes() const { return {{"axis", axis}}; }
  Form form(Inputs in) const {
    require(in.size() > 0, "concat: needs at least one tensor");
    const Shape& first = in[0].shape();
    resolve_axis(name, first, axis);
    Index size = 0;
    for (std::size_t i = 0; i < in.size(); ++i) {
      const Shape& shape = in[i].shape();
      require(shape.rank() == first.rank() && shape.with(axis, 0) == first.with(axis, 0),
              "concat: shapes may differ on axis ", axis, " only: ", first, " and ", shape);
      size = sum_of_sizes(name, size, shape[axis]);
    }
    return {first.with(axis, size), in[0].dtype()};
  }
  template <Scalar T>
  void forward(Inputs in, Outputs out) const {
    Index begin = 0;
    for (std::size_t i = 0; i < in.size(); ++i) {
      const Index size = in[i].size(axis);
      copy_steps<T>(in[i], 0, out[0], begin, axis, size);
      begin += size;
    }
  }
  Tensors vjp(const Pullback& back) const {
    Tensors gradients;
    Index begin = 0;
    for (std::size_t i = 0; i < back.input_count(); ++i) {
      const Index end = begin + back.shape(i)[axis];
      gradients.push_back(back.needs(i) ? slice(back.cotangent(), axis, begin, end) : Tensor());
      begin = end;
    }
    return gradients;
  }
};

struct Split {
  static constexpr auto name = "split";
  static constexpr const char* rule[] = {
      "y₀, y₁ = x[0 … size), x[size …) along axis",
      "x̄ = ȳ₀ and ȳ₁, joined along axis",
  };
  static constexpr Operands reads = {};
  Index axis, size;
  Attributes attributes() const { return {{"axis", axis}, {"size", size}}; }
  std::array<Form, 2> form(Inputs in) const {
    const Shape& x = in[0].shape();
    return {Form{x.with(axis, size), in[0].dtype()},
            Form{x.with(axis, x[axis] - size), in[0].dtype()}};
  }
  template <Scalar T>
  void forward(Inputs in, Outputs out) const {
    copy_steps<T>(in[0], 0, out[0], 0, axis, size);
    copy_steps<T>(in[0], size, out[1], 0, axis, in[0].size(axis) - size);
  }
  Tensors vjp(const Pullback& back) const {
    return {concat({back.cotangent_or_zeros(0), back.cotangent_or_zeros(1)}, axis)};
  }
};

// Splits by halves, so that n parts cost log n copies of x each way. With a slice for each part,
// the vjp would make n tensors of x's size.
void split_into(Tensors& parts, const Tensor& x, Index axis, std::span<const Index> sizes) {
  if (sizes.size() == 1) {
    parts.push_back(x);
    return;
  }
  const auto front = sizes.first(sizes.size() / 2), rear = sizes.subspan(sizes.size() / 2);
  const Index middle = std::accumulate(front.begin(), front.end(), Index{0});
  const auto halves = apply_all(Split{axis, middle}, x);
  split_into(parts, halves[0], axis, front);
  split_into(parts, halves[1], axis, rear);
}

}  // namespace

Tensor reshape(const Tensor& x, const Shape& shape) {
  return x.shape() == shape ? x : apply(Reshape{shape}, x);
}

Tensor reshape(const Tensor& x, std::initializer_list<Index> sizes) {
  std::vector<Index> resolved(sizes);
  const auto open = std::ranges::find(resolved, Index{-1});
  if (open != resolved.end()) {
    *open = 1;
    const Index rest = Shape(resolved).numel();
    require(rest > 0 && x.numel() % rest == 0, "reshape: ", x.shape(), " has ", x.numel(),
            " elements, not a multiple of the ", rest, " that the other sizes make");
    *open = x.numel() / rest;
  }
  return reshape(x, Shape(resolved));
}

Tensor permute(const Tensor& x, const Axes& order) { return apply(Permute{order}, x); }

Tensor transpose(const Tensor& x, Index first, Index second) {
  require(x.rank() >= 2, "transpose: x must have at least two axes, is ", x.shape());
  Axes order(static_cast<std::size_t>(x.rank()));
  std::iota(order.begin(), order.end(), Index{0});
  std::swap(order[static_cast<std::size_t>(resolve_axis("transpose", x.shape(), first))],
            order[static_cast<std::size_t>(resolve_axis("transpose", x.shape(), second))]);
  return permute(x, order);
}

Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  return x.shape() == shape ? x : apply(BroadcastTo{shape}, x);
}

Tensor slice(const Tensor& x, Index axis, Index begin, Index end) {
  return apply(Slice{axis, begin, end}, x);
}

Tensor concat(const Tensors& xs, Index axis) { return apply_list(Concat{axis}, xs); }

Tensors split(const Tensor& x, Index axis, const std::vector<Index>& sizes) {
  const Index whole = x.size(resolve_axis("split", x.shape(), axis));
  Index total = 0;
  for (const Index size : sizes) {
    require(size >= 0, "split: a part cannot have size ", size);
    total = sum_of_sizes("split", total, size);
  }
  require(total == whole, "split: the parts add up to ", total, ", but axis ", axis,
          " of a tensor of shape ", x.shape(), " has ", whole);
  Tensors parts;
  if (!sizes.empty()) split_into(parts, x, axis, sizes);
  return parts;
}

Tensor stack(const Tensors& xs, Index axis) {
  require(!xs.empty(), "stack: needs at least one tensor");
  const Index rank = xs[0].rank() + 1;
  require(axis >= -rank && axis < rank, "stack: no axis ", axis, " in a result with ", rank,
          " axes");
  const Index at = axis < 0 ? axis + rank : axis;
  Tensors layers;
  for (const Tensor& x : xs) {
    require(x.shape() == xs[0].shape(), "stack: shapes differ: ", xs[0].shape(), " and ",
            x.shape());
    layers.push_back(reshape(x, x.shape().inserted(at, 1)));
  }
  return concat(layers, at);
}

}  // namespace adjoint
