// The two products of attention, over the pairs of query and key that a mask leaves.

#include <algorithm>

#include "autograd/apply.h"
#include "autograd/kernels/elementwise.h"
#include "autograd/kernels/masked_product.h"
#include "autograd/ops.h"

namespace adjoint {
namespace {

// Matrices [batch…, rows, columns].
Index rows(const Tensor& x) { return x.size(-2); }
Index columns(const Tensor& x) { return x.size(-1); }
Shape batch(const Tensor& x) { return x.shape().part(0, x.rank() - 2); }

void require_matrices(const char* name, Inputs in) {
  require(in[0].rank() >= 2 && in[1].rank() >= 2, name, ": needs matrices […, rows, columns], got ",
          in[0].shape(), " and ", in[1].shape());
  require(batch(in[0]) == batch(in[1]), name, ": the leading axes of ", in[0].shape(), " and ",
          in[1].shape(), " differ");
}
void require_mask(const char* name, const Tensor& mask, const Shape& pairs) {
  require(mask.dtype() == DType::b8, name, ": the mask must be b8, is ", mask.dtype(),
          "; cast() it");
  require(broadcasts_to(mask.shape(), pairs), name, ": the mask ", mask.shape(),
          " does not broadcast to ", pairs);
}

// product(n) for each matrix of the batch, spread over threads.
template <Real T, class Make>
void multiply_each(Index matrices, const Make& product) {
  if (matrices == 0) return;
  const kernels::Product<T> first = product(0);
  const Index work = first.rows * first.columns * std::max<Index>(1, first.inner);
  if (matrices == 1) return kernels::matmul<T>(first);
  kernels::parallel_rows(matrices, work / 8, [&](Index n) { kernels::matmul<T>(product(n)); });
}

struct MaskedScores {
  static constexpr auto name = "masked_scores";
  static constexpr const char* rule[] = {
      "y = A Bᵀ where the mask is true, else 0",
      "Ā = ȳ B over the pairs where the mask is true",
      "B̄ = ȳᵀ A over the same pairs",
      "mask: no gradient",
  };
  static constexpr Operands constants = {input(2)};
  static constexpr Operands reads = {input(0), input(1), input(2)};
  Form form(Inputs in) const {
    require_matrices(name, in);
    require(columns(in[0]) == columns(in[1]), name, ": a and b differ in width: ", in[0].shape(),
            " and ", in[1].shape());
    const Shape pairs = batch(in[0]).joined({rows(in[0]), rows(in[1])});
    require_mask(name, in[2], pairs);
    return {pairs, in[0].dtype()};
  }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const Index n = rows(in[0]), m = rows(in[1]), d = columns(in[0]);
    const T *const a = in[0].values<T>().data(), *const b = in[1].values<T>().data();
    const std::span<T> scores = out[0].edit<T>();
    multiply_each<T>(batch(in[0]).numel(), [&](Index i) {
      return kernels::Product<T>{
          n, m, d, {a + i * n * d, d}, {b + i * m * d, d, true}, scores.data() + i * n * m, m};
    });
    const Shape& pairs = out[0].shape();
    kernels::zip_broadcast(std::span<const T>(scores), pairs, in[2].values<bool>(), in[2].shape(),
                           scores, pairs, [](T s, bool visible) { return visible ? s : T{0}; });
  }
  Tensors vjp(const Pullback& back) const;
};

struct MaskedSum {
  static constexpr auto name = "masked_sum";
  static constexpr const char* rule[] = {
      "y = W B over the pairs where the mask is true (Wᵀ B if transposed)",
      "W̄ = ȳ Bᵀ (B ȳᵀ if transposed) where the mask is true, else 0",
      "B̄ = Wᵀ ȳ (W ȳ if transposed) over the same pairs",
      "mask: no gradient",
  };
  static constexpr Operands constants = {input(2)};
  static constexpr Operands reads = {input(0), input(1), input(2)};
  bool transposed = false;
  Attributes attributes() const { return {{"transposed", transposed}}; }

  Form form(Inputs in) const {
    require_matrices(name, in);
    const Tensor& w = in[0];
    require((transposed ? rows(w) : columns(w)) == rows(in[1]), name, ": the weights ", w.shape(),
            " do not fit ", in[1].shape());
    require_mask(name, in[2], w.shape());
    const Index results = transposed ? columns(w) : rows(w);
    return {batch(w).joined({results, columns(in[1])}), w.dtype()};
  }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const Shape& pairs = in[0].shape();
    const Index n = pairs[-2], m = pairs[-1], d = columns(in[1]);
    const Index results = rows(out[0]), terms = rows(in[1]);
    const T* const b = in[1].values<T>().data();
    T* const y = out[0].edit<T>().data();
    Tensor visible(in[0].form());  // the weights, with zeros for hidden pairs
    T* const w = visible.edit<T>().data();
    kernels::zip_broadcast(in[0].values<T>(), pairs, in[2].values<bool>(), in[2].shape(),
                           visible.edit<T>(), pairs, [](T x, bool may) { return may ? x : T{0}; });
    const auto product = [&](Index i) {
      return kernels::Product<T>{results,
                                 d,
                                 terms,
                                 {w + i * n * m, m, transposed},
                                 {b + i * terms * d, d},
                                 y + i * results * d,
                                 d};
    };
    const Index matrices = batch(in[0]).numel();
    if (kernels::all_finite(in[1].values<T>())) return multiply_each<T>(matrices, product);

    Tensor mask({pairs, DType::b8});
    kernels::zip_broadcast(in[2].values<bool>(), in[2].shape(), in[2].values<bool>(), in[2].shape(),
                           mask.edit<bool>(), pairs, [](bool may, bool) { return may; });
    for (Index i = 0; i < matrices; ++i) {
      const bool* const may = mask.values<bool>().data() + i * n * m;
      kernels::multiply_pairs<T>(product(i), [&](Index row, Index term) {
        return transposed ? may[term * m + row] : may[row * m + term];
      });
    }
  }
  Tensors vjp(const Pullback& back) const {
    const Tensor w = back.input(0), b = back.input(1), mask = back.input(2), &g = back.cotangent();
    return back.gradients(
        [&] { return transposed ? masked_scores(b, g, mask) : masked_scores(g, b, mask); },
        [&] { return apply(MaskedSum{!transposed}, w, g, mask); }, [] { return Tensor(); });
  }
};

Tensors MaskedScores::vjp(const Pullback& back) const {
  const Tensor a = back.input(0), b = back.input(1), mask = back.input(2), &g = back.cotangent();
  return back.gradients([&] { return apply(MaskedSum{}, g, b, mask); },
                        [&] { return apply(MaskedSum{true}, g, a, mask); },
                        [] { return Tensor(); });
}

}  // namespace

Tensor masked_scores(const Tensor& a, const Tensor& b, const Tensor& mask) {
  return apply(MaskedScores{}, a, b, mask);
}

Tensor masked_sum(const Tensor& w, const Tensor& b, const Tensor& mask) {
  return apply(MaskedSum{}, w, b, mask);
}

}  // namespace adjoint
