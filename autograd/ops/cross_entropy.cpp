// Cross-entropy with a target class for each row, softmax included.

#include <algorithm>
#include <vector>

#include "autograd/kernels/elementwise.h"
#include "autograd/kernels/rows.h"
#include "autograd/apply.h"
#include "autograd/ops.h"
#include "autograd/ops/formula.h"

namespace adjoint {
namespace {

// −Σ_c q(c) log p(c) with q = (1−ε)·one-hot + ε/classes; rows to ignore are multiplied by 0.
Tensor cross_entropy_formula(const Tensor& logits, const Tensor& targets,
                             const CrossEntropyOptions& options) {
  const Index classes = logits.size(-1);
  Tensor known = copy(targets), keep = ones(targets.shape(), logits.dtype());
  dispatch(logits.dtype(), [&]<class T>() {
    const std::span<Index> ids = known.edit<Index>();
    const std::span<T> kept = keep.edit<T>();
    for (std::size_t i = 0; i < ids.size(); ++i)
      if (ids[i] == options.ignore) {
        ids[i] = none;
        kept[i] = T{0};
      }
  });
  const Tensor q = one_hot(known, classes, logits.dtype()) * (1 - options.smoothing) +
                   options.smoothing / static_cast<double>(classes);
  return -(sum(q * log_softmax(logits), {-1}) * keep);
}

// (logits, targets, ȳ) to x̄ = ȳ (softmax(x) − q) for each row, 0 for ignored ones
struct CrossEntropyVjp {
  static constexpr auto name = "cross_entropy_vjp";
  static constexpr Operands constants = {input(1)};
  static constexpr Operands reads = {input(0), input(1), input(2)};
  CrossEntropyOptions options;

  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const Index classes = in[0].size(-1);
    const T *const x = in[0].values<T>().data(), *const g = in[2].values<T>().data();
    const Index* const targets = in[1].values<Index>().data();
    T* const dx = out[0].edit<T>().data();
    const T even = static_cast<T>(options.smoothing) / static_cast<T>(classes);
    kernels::parallel_rows(in[1].numel(), classes, [&](Index row) {
      T* const to = dx + row * classes;
      if (targets[row] == options.ignore) {
        std::fill_n(to, classes, T{0});
        return;
      }
      kernels::softmax(x + row * classes, to, classes);
      for (Index c = 0; c < classes; ++c) to[c] = g[row] * (to[c] - even);
      to[targets[row]] -= g[row] * static_cast<T>(1 - options.smoothing);
    });
  }
  Tensors vjp(const Pullback& back) const {
    const Formula formula = [this](const Tensors& in) {
      return cross_entropy_formula(in[0], in[1], options);
    };
    return vjp_of_backward(formula, back);
  }
};

// −Σ_c q(c) (x(c) − log Σ exp(x)) = log Σ exp(x) − (1−ε) x(target) − ε mean(x), every x taken
// relative to the largest: it cancels, and so do its digits.
template <Real T>
T row_loss(const T* x, Index target, T smoothing, T* scratch, Index classes) {
  const kernels::LogSumExp<T> total(x, scratch, classes);
  T loss = total.rest - (1 - smoothing) * (x[target] - total.largest);
  if (smoothing == 0) return loss;
  for (Index c = 0; c < classes; ++c) scratch[c] = x[c] - total.largest;
  return loss - smoothing * kernels::total(scratch, classes) / static_cast<T>(classes);
}

// y = −Σ_c q(c) log softmax(x)(c) for each row, 0 for ignored ones
struct CrossEntropy {
  static constexpr auto name = "cross_entropy";
  static constexpr Operands constants = {input(1)};
  static constexpr Operands reads = {input(0), input(1)};
  CrossEntropyOptions options;

  Form form(Inputs in) const {
    const Shape &x = in[0].shape(), &targets = in[1].shape();
    require(in[1].dtype() == DType::i64, "cross_entropy: targets must be i64, are ", in[1].dtype());
    require(x.rank() >= 1 && x.part(0, x.rank() - 1) == targets,
            "cross_entropy: logits are […, classes], targets […]; logits are ", x, ", targets ",
            targets);
    for (const Index target : in[1].values<Index>())
      require(target == options.ignore || (target >= 0 && target < x[-1]), "cross_entropy: target ",
              target, " is not one of ", x[-1], " classes");
    return {targets, in[0].dtype()};
  }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const Index classes = in[0].size(-1);
    const T* const x = in[0].values<T>().data();
    const Index* const targets = in[1].values<Index>().data();
    T* const y = out[0].edit<T>().data();
    parallel_for(in[1].numel(),
                 std::max<Index>(1, kernels::elementwise_grain / std::max<Index>(1, classes)),
                 [&](Index begin, Index end) {
                   std::vector<T> scratch(static_cast<std::size_t>(classes));
                   for (Index row = begin; row < end; ++row) {
                     const T* const from = x + row * classes;
                     y[row] = 0;
                     if (targets[row] == options.ignore) continue;
                     y[row] = row_loss(from, targets[row], static_cast<T>(options.smoothing),
                                       scratch.data(), classes);
                   }
                 });
  }
  Tensors vjp(const Pullback& back) const {
    return {apply(CrossEntropyVjp{options}, back.input(0), back.input(1), back.cotangent()),
            Tensor()};
  }
};

}  // namespace

Tensor cross_entropy(const Tensor& logits, const Tensor& targets,
                     const CrossEntropyOptions& options) {
  require(options.smoothing >= 0 && options.smoothing < 1,
          "cross_entropy: smoothing must lie in [0, 1), is ", options.smoothing);
  if (!composed()) return apply(CrossEntropy{options}, logits, targets);
  require_form(CrossEntropy{options}, logits, targets);
  return cross_entropy_formula(logits, targets, options);
}

}  // namespace adjoint
