// Matrix products.

#include <algorithm>
#include <vector>

#include "autograd/apply.h"
#include "autograd/kernels/elementwise.h"
#include "autograd/kernels/matmul.h"
#include "autograd/ops.h"

namespace adjoint {
namespace {

Tensor product(const Tensor& a, const Tensor& b, bool transpose_a, bool transpose_b);

// Leading axes broadcast; a factor that was broadcast gets the sum over its copies. Where a flag
// says that a factor is stored transposed, its gradient is transposed back.
struct MatMul {
  static constexpr auto name = "matmul";
  static constexpr const char* rule[] = {"y = A B", "Ā = ȳ Bᵀ", "B̄ = Aᵀ ȳ"};
  static constexpr Operands reads = {input(0), input(1)};
  bool transpose_a, transpose_b;
  Attributes attributes() const {
    return {{"transpose_a", transpose_a}, {"transpose_b", transpose_b}};
  }

  struct Sizes {
    Index rows, inner_a, inner_b, columns;
    Shape batch_a, batch_b;
  };
  Sizes sizes(const Shape& a, const Shape& b) const {
    return {a[transpose_a ? -1 : -2], a[transpose_a ? -2 : -1], b[transpose_b ? -1 : -2],
            b[transpose_b ? -2 : -1], a.part(0, a.rank() - 2),  b.part(0, b.rank() - 2)};
  }

  Form form(Inputs in) const {
    const Shape &a = in[0].shape(), &b = in[1].shape();
    const Sizes s = sizes(a, b);
    require(s.inner_a == s.inner_b, "matmul: inner sizes differ: a is ", a,
            transpose_a ? " transposed" : "", ", b is ", b, transpose_b ? " transposed" : "");
    require(broadcastable(s.batch_a, s.batch_b), "matmul: batch axes do not broadcast: a is ", a,
            ", b is ", b);
    return {broadcast(name, s.batch_a, s.batch_b).joined({s.rows, s.columns}), in[0].dtype()};
  }

  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const Shape &a = in[0].shape(), &b = in[1].shape();
    const Sizes s = sizes(a, b);
    const Shape batch = out[0].shape().part(0, out[0].rank() - 2);
    const T *const left = in[0].values<T>().data(), *const right = in[1].values<T>().data();
    T* const result = out[0].edit<T>().data();
    if (out[0].numel() == 0) return;

    struct Pair {
      Index a, b;  // the matrices to multiply, by number
    };
    std::vector<Pair> pairs;
    kernels::BroadcastWalk(batch, s.batch_a, s.batch_b)
        .each_run([&](Index, Index at_a, Index at_b, Index length, Index step_a, Index step_b) {
          for (Index i = 0; i < length; ++i)
            pairs.push_back({at_a + i * step_a, at_b + i * step_b});
        });

    const auto multiply = [&](Index i) {
      const Pair pair = pairs[static_cast<std::size_t>(i)];
      kernels::matmul<T>({.rows = s.rows,
                          .columns = s.columns,
                          .inner = s.inner_a,
                          .a = {left + pair.a * s.rows * s.inner_a, a[-1], transpose_a},
                          .b = {right + pair.b * s.inner_a * s.columns, b[-1], transpose_b},
                          .c = result + i * s.rows * s.columns,
                          .stride = s.columns});
    };
    const Index work = s.rows * s.columns * std::max<Index>(1, s.inner_a);
    if (pairs.size() == 1)
      multiply(0);  // spreads one product over the pool
    else
      kernels::parallel_rows(static_cast<Index>(pairs.size()), work / 8, multiply);
  }

  Tensors vjp(const Pullback& back) const {
    const Tensor& g = back.cotangent();
    return back.gradients(
        [&] {
          const Tensor b = back.input(1);
          return sum_to(
              transpose_a ? product(b, g, transpose_b, true) : product(g, b, false, !transpose_b),
              back.shape(0));
        },
        [&] {
          const Tensor a = back.input(0);
          return sum_to(
              transpose_b ? product(g, a, true, transpose_a) : product(a, g, !transpose_a, false),
              back.shape(1));
        });
  }
};

// A batch of left factors and a single right factor make one tall product.
Tensor product(const Tensor& a, const Tensor& b, bool transpose_a, bool transpose_b) {
  if (a.rank() > 2 && b.rank() == 2 && !transpose_a && a.numel() > 0) {
    const Shape& shape = a.shape();
    const Tensor tall = reshape(a, {a.numel() / shape[-1], shape[-1]});  // [batch · rows, inner]
    const Tensor y = apply(MatMul{false, transpose_b}, tall, b);         // [batch · rows, columns]
    return reshape(y, shape.with(-1, y.size(-1)));  // [batch…, rows, columns]
  }
  return apply(MatMul{transpose_a, transpose_b}, a, b);
}

struct Linear {
  static constexpr auto name = "linear";
  static constexpr const char* rule[] = {
      "y = x Wᵀ + b, b being optional",
      "x̄ = ȳ W",
      "W̄ = ȳᵀ x",
      "b̄ = Σ ȳ over the rows",
  };
  static constexpr Operands reads = {input(0), input(1)};

  Form form(Inputs in) const {
    const Shape &x = in[0].shape(), &weight = in[1].shape();
    require(x.rank() >= 1 && weight.rank() == 2 && x[-1] == weight[1],
            "linear: x must be […, inputs] and the weight [outputs, inputs]; x is ", x,
            ", the weight ", weight);
    require(in.size() == 2 || in[2].shape() == Shape{weight[0]}, "linear: the bias must be [",
            weight[0], "]; it is ", in.size() == 2 ? Shape{} : in[2].shape());
    return {x.with(-1, weight[0]), in[0].dtype()};
  }

  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const Index inputs = in[1].size(1), outputs = in[1].size(0);
    const Index rows = out[0].shape().numel(0, out[0].rank() - 1);
    kernels::matmul<T>({.rows = rows,
                        .columns = outputs,
                        .inner = inputs,
                        .a = {in[0].values<T>().data(), inputs},
                        .b = {in[1].values<T>().data(), inputs, true},
                        .c = out[0].edit<T>().data(),
                        .stride = outputs,
                        .bias = in.size() == 3 ? in[2].values<T>().data() : nullptr});
  }

  Tensors vjp(const Pullback& back) const {
    const Shape &x = back.shape(0), &weight = back.shape(1);
    const Index rows = x.numel(0, x.rank() - 1);
    const Tensor g = reshape(back.cotangent(), {rows, weight[0]});
    const auto of_x = [&] { return reshape(product(g, back.input(1), false, false), x); };
    const auto of_weight = [&] {
      return product(g, reshape(back.input(0), {rows, weight[1]}), true, false);
    };
    if (back.input_count() == 2) return back.gradients(of_x, of_weight);
    return back.gradients(of_x, of_weight, [&] { return sum(g, {0}); });
  }
};

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b, Transposed transposed) {
  require(a.rank() >= 1 && b.rank() >= 1, "matmul: a scalar cannot be a factor: a is ", a.shape(),
          ", b is ", b.shape());
  const bool vector_a = a.rank() == 1, vector_b = b.rank() == 1;
  const bool transpose_a =
      !vector_a && (transposed == Transposed::a || transposed == Transposed::both);
  const bool transpose_b =
      !vector_b && (transposed == Transposed::b || transposed == Transposed::both);
  const Index inner_a = a.size(transpose_a ? -2 : -1);
  const Index inner_b = b.size(vector_b || transpose_b ? -1 : -2);
  require(inner_a == inner_b, "matmul: inner sizes differ: a is ", a.shape(),
          transpose_a ? " transposed" : "", ", b is ", b.shape(), transpose_b ? " transposed" : "");
  const Tensor y = product(vector_a ? reshape(a, {1, a.size(0)}) : a,
                           vector_b ? reshape(b, {b.size(0), 1}) : b, transpose_a, transpose_b);
  Shape shape = y.shape();
  if (vector_b) shape = shape.without(-1);
  if (vector_a) shape = shape.without(vector_b ? -1 : -2);
  return reshape(y, shape);
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (!composed())
    return bias.defined() ? apply(Linear{}, x, weight, bias) : apply(Linear{}, x, weight);
  if (bias.defined())
    require_form(Linear{}, x, weight, bias);
  else
    require_form(Linear{}, x, weight);
  const Tensor y = matmul(x, weight, Transposed::b);
  return bias.defined() ? y + bias : y;
}

}  // namespace adjoint
