// Choosing slices by index, and its adjoint.

#include <algorithm>

#include "autograd/kernels/elementwise.h"
#include "autograd/apply.h"
#include "autograd/ops.h"

namespace adjoint {
namespace {

void require_indices(const char* name, const Tensor& indices, Index size, Index lowest) {
  require(indices.dtype() == DType::i64, name, ": indices must be i64, are ", indices.dtype());
  Index position = 0;
  for (const Index index : indices.values<Index>()) {
    require(index >= lowest && index < size, name, ": index ", index, " (number ", position,
            " of indices of shape ", indices.shape(), ") is out of range for a size of ", size);
    ++position;
  }
}

// y[o, k, i] = x[o, index[k], i]               x̄ = ȳ, scattered
struct Gather {
  static constexpr auto name = "gather";
  static constexpr Operands constants = {input(1)};
  static constexpr Operands reads = {input(1)};
  Index axis;
  Form form(Inputs in) const {
    const Shape& x = in[0].shape();
    require_indices(name, in[1], x[axis], none);
    return {x.part(0, axis).joined(in[1].shape()).joined(x.part(axis + 1, x.rank())),
            in[0].dtype()};
  }
  template <Scalar T>
  void forward(Inputs in, Outputs out) const {
    const AxisView x(in[0].shape(), axis);
    const std::span<const Index> index = in[1].values<Index>();
    const auto count = static_cast<Index>(index.size());
    const T* const from = in[0].values<T>().data();
    T* const to = out[0].edit<T>().data();
    kernels::parallel_rows(x.outer * count, x.inner, [&](Index row) {
      const Index chosen = index[static_cast<std::size_t>(row % count)];
      if (chosen == none)
        std::fill_n(to + row * x.inner, x.inner, T{});
      else
        std::copy_n(from + (row / count * x.size + chosen) * x.inner, x.inner, to + row * x.inner);
    });
  }
  Tensors vjp(const Pullback& back) const {
    return back.gradients(
        [&] { return scatter_add(back.cotangent(), back.input(1), axis, back.shape(0)[axis]); },
        [] { return Tensor(); });
  }
};

// y[o, index[k], i] += x[o, k, i]              x̄ = ȳ, gathered
struct ScatterAdd {
  static constexpr auto name = "scatter_add";
  static constexpr Operands constants = {input(1)};
  static constexpr Operands reads = {input(1)};
  Index axis, size;

  Form form(Inputs in) const {
    const Shape &x = in[0].shape(), &index = in[1].shape();
    require_indices(name, in[1], size, none);
    require(axis + index.rank() <= x.rank() && x.part(axis, axis + index.rank()) == index,
            "scatter_add: x of shape ", x, " has not the axes ", index, " of the indices at axis ",
            axis);
    return {x.part(0, axis).joined({size}).joined(x.part(axis + index.rank(), x.rank())),
            in[0].dtype()};
  }
  template <Scalar T>
  void forward(Inputs in, Outputs out) const {
    const AxisView y(out[0].shape(), axis);
    const std::span<const Index> index = in[1].values<Index>();
    const auto count = static_cast<Index>(index.size());
    const T* const from = in[0].values<T>().data();
    T* const to = out[0].edit<T>().data();
    std::ranges::fill(out[0].edit<T>(), T{});
    for (Index row = 0; row < y.outer * count; ++row) {
      const Index chosen = index[static_cast<std::size_t>(row % count)];
      if (chosen == none) continue;
      T* const target = to + (row / count * y.size + chosen) * y.inner;
      for (Index i = 0; i < y.inner; ++i)
        target[i] = static_cast<T>(target[i] + from[row * y.inner + i]);
    }
  }
  Tensors vjp(const Pullback& back) const {
    return back.gradients([&] { return gather(back.cotangent(), back.input(1), axis); },
                          [] { return Tensor(); });
  }
};

// y[…, c] = 1 where c is the index             no derivative
struct OneHot {
  static constexpr auto name = "one_hot";
  static constexpr NoDerivative vjp = {};
  static constexpr Operands constants = {input(0)};
  static constexpr Operands reads = {};
  Index classes;
  DType dtype;
  Form form(Inputs in) const {
    require_indices(name, in[0], classes, none);
    return {in[0].shape().joined({classes}), dtype};
  }
  template <Scalar T>
  void forward(Inputs in, Outputs out) const {
    T* const to = out[0].edit<T>().data();
    std::fill_n(to, out[0].numel(), T{});
    Index row = 0;
    for (const Index index : in[0].values<Index>()) {
      if (index != none) to[row * classes + index] = T{1};
      ++row;
    }
  }
};

// y[…, :] = table[id, :]                       table̅ = ȳ, added up in the rows of the ids
struct Embedding {
  static constexpr auto name = "embedding";
  static constexpr Operands constants = {input(0)};
  static constexpr Operands reads = {input(0)};
  Form form(Inputs in) const {
    require(in[1].rank() == 2, "embedding: the table must be [tokens, width], is ", in[1].shape());
    require(in[0].dtype() == DType::i64, "embedding: ids must be i64, are ", in[0].dtype());
    Index position = 0;
    for (const Index id : in[0].values<Index>()) {
      require(id >= 0 && id < in[1].size(0), "embedding: token id ", id, " (number ", position,
              " of ids of shape ", in[0].shape(), ") is not in a table of ", in[1].size(0),
              " tokens");
      ++position;
    }
    return {in[0].shape().joined({in[1].size(1)}), in[1].dtype()};
  }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const Index width = in[1].size(1);
    const std::span<const Index> ids = in[0].values<Index>();
    const T* const table = in[1].values<T>().data();
    T* const y = out[0].edit<T>().data();
    kernels::parallel_rows(static_cast<Index>(ids.size()), width, [&](Index row) {
      std::copy_n(table + ids[static_cast<std::size_t>(row)] * width, width, y + row * width);
    });
  }
  Tensors vjp(const Pullback& back) const {
    return back.gradients(
        [] { return Tensor(); },
        [&] { return scatter_add(back.cotangent(), back.input(0), 0, back.shape(1)[0]); });
  }
};

}  // namespace

Tensor gather(const Tensor& x, const Tensor& indices, Index axis) {
  return apply(Gather{x.shape().resolve(axis)}, x, indices);
}
Tensor scatter_add(const Tensor& x, const Tensor& indices, Index axis, Index size) {
  require(axis >= 0 && axis <= x.rank(), "scatter_add: no axis ", axis, " in a tensor of shape ",
          x.shape());
  return apply(ScatterAdd{axis, size}, x, indices);
}
Tensor one_hot(const Tensor& indices, Index classes, DType dtype) {
  return apply(OneHot{classes, dtype}, indices);
}
Tensor embedding(const Tensor& ids, const Tensor& table) { return apply(Embedding{}, ids, table); }

}  // namespace adjoint
