// Selecting slices by index, and its adjoint.

#include <algorithm>

#include "autograd/apply.h"
#include "autograd/kernels/elementwise.h"
#include "autograd/kernels/scatter.h"
#include "autograd/ops.h"

namespace adjoint {
namespace {

// Checks that the indices are i64 and lie in [lowest, size). The error calls them by `noun` and
// `plural`, and says by `range` where they do not lie.
template <class... Range>
void require_indices(const char* name, const char* noun, const char* plural, const Tensor& indices,
                     Index lowest, Index size, const Range&... range) {
  require(indices.dtype() == DType::i64, name, ": ", plural, " must be i64, are ", indices.dtype(),
          "; cast() them");
  Index position = 0;
  for (const Index index : indices.values<Index>()) {
    require(index >= lowest && index < size, name, ": ", noun, ' ', index, " (number ", position,
            " of ", plural, " of shape ", indices.shape(), ") is ", range...);
    ++position;
  }
}

constexpr auto out_of_range = "out of range for a size of ";

// y[o, k, i] = x[o, index[k], i], or 0 where the index is none
template <Scalar T>
void copy_slices(const Tensor& x, Index axis, const Tensor& indices, Tensor& y) {
  const AxisView view(x.shape(), x.shape().resolve(axis));
  const Index* const index = indices.values<Index>().data();
  const Index count = indices.numel();
  const T* const from = x.values<T>().data();
  T* const to = y.edit<T>().data();
  if (view.inner == 0) return;  // there may be very many empty slices
  kernels::parallel_rows(view.outer * count, view.inner, [&](Index row) {
    const Index chosen = index[row % count];
    if (chosen == none)
      std::fill_n(to + row * view.inner, view.inner, T{});
    else
      std::copy_n(from + (row / count * view.size + chosen) * view.inner, view.inner,
                  to + row * view.inner);
  });
}

struct Gather {
  static constexpr auto name = "gather";
  static constexpr const char* rule[] = {
      "y[k] = x[index[k]] along axis, or 0 where index[k] is −1",
      "x̄ = the sum of all ȳ[k] with index[k] = j, at each j",
      "index: no gradient",
  };
  static constexpr Operands constants = {input(1)};
  static constexpr Operands reads = {input(1)};
  Index axis;
  Attributes attributes() const { return {{"axis", axis}}; }
  Form form(Inputs in) const {
    const Shape& x = in[0].shape();
    const Index at = resolve_axis(name, x, axis);
    require_indices(name, "index", "indices", in[1], none, x[at], out_of_range, x[at]);
    return {x.part(0, at).joined(in[1].shape()).joined(x.part(at + 1, x.rank())), in[0].dtype()};
  }
  template <Scalar T>
  void forward(Inputs in, Outputs out) const {
    copy_slices<T>(in[0], axis, in[1], out[0]);
  }
  Tensors vjp(const Pullback& back) const {
    const Shape& x = back.shape(0);
    return back.gradients(
        [&] { return scatter_add(back.cotangent(), back.input(1), x.resolve(axis), x[axis]); },
        [] { return Tensor(); });
  }
};

struct ScatterAdd {
  static constexpr auto name = "scatter_add";
  static constexpr const char* rule[] = {
      "y = the sum of all x[k] with index[k] = j, at each j along axis",
      "x̄ = ȳ[index[k]] at each k, and 0 where the index is none",
      "index: no gradient",
  };
  static constexpr Operands constants = {input(1)};
  static constexpr Operands reads = {input(1)};
  Index axis, size;
  Attributes attributes() const { return {{"axis", axis}, {"size", size}}; }

  Form form(Inputs in) const {
    const Shape &x = in[0].shape(), &index = in[1].shape();
    require(axis >= 0 && axis <= x.rank(), "scatter_add: no axis ", axis, " in a tensor of shape ",
            x);
    require_indices(name, "index", "indices", in[1], none, size, out_of_range, size);
    const Index end = axis + index.rank();
    require(end <= x.rank() && x.part(axis, end) == index, "scatter_add: x of shape ", x,
            " does not have the axes ", index, " of the indices at axis ", axis);
    return {x.part(0, axis).joined({size}).joined(x.part(end, x.rank())), in[0].dtype()};
  }
  template <Scalar T>
  void forward(Inputs in, Outputs out) const {
    const AxisView y(out[0].shape(), axis);
    kernels::scatter_add(in[0].values<T>().data(), in[1].values<Index>(), out[0].edit<T>().data(),
                         y.outer, y.size, y.inner);
  }
  Tensors vjp(const Pullback& back) const {
    return back.gradients([&] { return gather(back.cotangent(), back.input(1), axis); },
                          [] { return Tensor(); });
  }
};

struct OneHot {
  static constexpr auto name = "one_hot";
  static constexpr const char* rule[] = {"y[…, c] = 1 where c is the index, else 0"};
  static constexpr NoDerivative vjp = {};
  static constexpr Operands constants = {input(0)};
  Index classes;
  DType dtype;
  Form form(Inputs in) const {
    require_indices(name, "index", "indices", in[0], none, classes, out_of_range, classes);
    return {in[0].shape().joined({classes}), dtype};
  }
  template <Scalar T>
  void forward(Inputs in, Outputs out) const {
    T* to = out[0].edit<T>().data();
    std::fill_n(to, out[0].numel(), T{});
    for (const Index index : in[0].values<Index>()) {
      if (index != none) to[index] = T{1};
      to += classes;
    }
  }
};

struct Embedding {
  static constexpr auto name = "embedding";
  static constexpr const char* rule[] = {
      "y[k] = E[id[k]], E the table",
      "id: no gradient",
      "Ē = the sum of all ȳ[k] with id[k] = j, at each row j",
  };
  static constexpr Operands constants = {input(0)};
  static constexpr Operands reads = {input(0)};
  Form form(Inputs in) const {
    require(in[1].rank() == 2, "embedding: the table must be [tokens, width], is ", in[1].shape());
    const Index tokens = in[1].size(0);
    require_indices(name, "token id", "ids", in[0], 0, tokens, "not in a table of ", tokens,
                    " tokens");
    return {in[0].shape().joined({in[1].size(1)}), in[1].dtype()};
  }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    copy_slices<T>(in[1], 0, in[0], out[0]);
  }
  Tensors vjp(const Pullback& back) const {
    return back.gradients(
        [] { return Tensor(); },
        [&] { return scatter_add(back.cotangent(), back.input(0), 0, back.shape(1)[0]); });
  }
};

}  // namespace

Tensor gather(const Tensor& x, const Tensor& indices, Index axis) {
  return apply(Gather{axis}, x, indices);
}
Tensor scatter_add(const Tensor& x, const Tensor& indices, Index axis, Index size) {
  return apply(ScatterAdd{axis, size}, x, indices);
}
Tensor one_hot(const Tensor& indices, Index classes, DType dtype) {
  return apply(OneHot{classes, dtype}, indices);
}
Tensor embedding(const Tensor& ids, const Tensor& table) { return apply(Embedding{}, ids, table); }

}  // namespace adjoint
