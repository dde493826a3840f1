// Cross-entropy with a target class for each row, softmax included. README.md derives the vjp.

#include <algorithm>
#include <vector>

#include "autograd/apply.h"
#include "autograd/kernels/rows.h"
#include "autograd/ops.h"
#include "autograd/ops/formula.h"
#include "autograd/ops/rows.h"

namespace adjoint {
namespace {

// −Σ_c q(c) log p(c) with q = (1−ε)·one-hot + ε/classes; 0 for ignored rows.
Tensor cross_entropy_formula(const Tensor& logits, const Tensor& targets,
                             const CrossEntropyOptions& options) {
  const Index classes = logits.size(-1);
  const DType dtype = logits.dtype();
  const Tensor ignored = equal(targets, scalar(options.ignore, DType::i64));  // [rows…]
  const Tensor known = where(ignored, scalar(none, DType::i64), targets);
  const Tensor q = one_hot(known, classes, dtype) * (1 - options.smoothing) +
                   options.smoothing / static_cast<double>(classes);  // [rows…, classes]
  // An ignored row may hold anything, and log p may be −∞ where q is 0, so where() keeps both out
  // of the product.
  const Tensor zero = scalar(0, dtype);
  const Tensor x =
      where(reshape(ignored, ignored.shape().inserted(ignored.rank(), 1)), zero, logits);
  const Tensor terms = where(equal(q, zero), zero, q * log_softmax(x));  // [rows…, classes]
  return where(ignored, zero, -sum(terms, {-1}));
}

// For rows whose target is options.ignore, all of them are 0.
struct CrossEntropyVjp {
  static constexpr auto name = "cross_entropy_vjp";
  static constexpr const char* rule[] = {
      "z = g (p − q), p = softmax(x) and q from the targets as in cross_entropy",
      "x̄ = g p (z̄ − Σ z̄ p), Σ over the classes",
      "targets: no gradient",
      "ḡ = Σ z̄ (p − q) over the classes",
  };
  static constexpr Operands constants = {input(1)};
  static constexpr Operands reads = {input(0), input(1), input(2)};
  CrossEntropyOptions options;
  Attributes attributes() const { return {{"smoothing", options.smoothing}}; }

  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const T *const x = in[0].values<T>().data(), *const g = in[2].values<T>().data();
    const Index* const targets = in[1].values<Index>().data();
    T* const dx = out[0].edit<T>().data();
    const Index classes = in[0].size(-1);
    const T share = static_cast<T>(options.smoothing) / static_cast<T>(classes);
    kernels::parallel_rows(in[1].numel(), classes, [&](Index row) {
      T* const to = dx + row * classes;
      if (targets[row] == options.ignore) {
        std::fill_n(to, classes, T{0});
        return;
      }
      kernels::softmax(x + row * classes, to, classes);
      for (Index c = 0; c < classes; ++c) to[c] = g[row] * (to[c] - share);
      to[targets[row]] -= g[row] * static_cast<T>(1 - options.smoothing);
    });
  }
  Tensors vjp(const Pullback& back) const {
    return vjp_of_backward(
        [this](const Tensors& in) { return cross_entropy_formula(in[0], in[1], options); }, back);
  }
};

// −Σ_c q(c) (x(c) − log Σ exp(x)) = log Σ exp(x) − (1−ε) x(target) − ε mean(x). The largest x
// cancels, so every x is taken relative to it, which keeps the digits of small losses. `scratch`
// has room for a row.
template <Real T>
T row_loss(const T* x, Index target, T smoothing, T* scratch, Index classes) {
  const kernels::LogSumExp<T> total(x, scratch, classes);
  T loss = total.rest - (1 - smoothing) * total.relative(x[target]);
  if (smoothing == 0) return loss;
  for (Index c = 0; c < classes; ++c) scratch[c] = total.relative(x[c]);
  return loss - smoothing * kernels::total(scratch, classes) / static_cast<T>(classes);
}

// For rows whose target is options.ignore, both are 0.
struct CrossEntropy {
  static constexpr auto name = "cross_entropy";
  static constexpr const char* rule[] = {
      "y = −Σ q log softmax(x), q = (1 − smoothing) one_hot(targets) + smoothing/classes",
      "x̄ = ȳ (softmax(x) − q)",
      "targets: no gradient",
  };
  static constexpr Operands constants = {input(1)};
  static constexpr Operands reads = {input(0), input(1)};
  CrossEntropyOptions options;
  Attributes attributes() const { return {{"smoothing", options.smoothing}}; }

  Form form(Inputs in) const {
    const Shape &x = in[0].shape(), &targets = in[1].shape();
    require(options.smoothing >= 0 && options.smoothing < 1,
            "cross_entropy: smoothing must lie in [0, 1), is ", options.smoothing);
    require(in[1].dtype() == DType::i64, "cross_entropy: targets must be i64, are ", in[1].dtype(),
            "; cast() them");
    require(x.rank() >= 1 && x.part(0, x.rank() - 1) == targets,
            "cross_entropy: logits are […, classes], targets […]; logits are ", x, ", targets ",
            targets);
    for (const Index target : in[1].values<Index>())
      require(target == options.ignore || (target >= 0 && target < x[-1]), "cross_entropy: target ",
              target, " is not one of ", x[-1],
              " classes, counted from 0; rows to be left out have the target ", options.ignore);
    return {targets, in[0].dtype()};
  }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const Index classes = in[0].size(-1);
    const T* const x = in[0].values<T>().data();
    const Index* const targets = in[1].values<Index>().data();
    T* const y = out[0].edit<T>().data();
    each_piece_of_rows(in[0].shape(), [&](Index begin, Index end) {
      std::vector<T> scratch(static_cast<std::size_t>(classes));
      for (Index row = begin; row < end; ++row)
        y[row] = targets[row] == options.ignore
                     ? T{0}
                     : row_loss(x + row * classes, targets[row], static_cast<T>(options.smoothing),
                                scratch.data(), classes);
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
  if (!composed()) return apply(CrossEntropy{options}, logits, targets);
  require_form(CrossEntropy{options}, logits, targets);
  return cross_entropy_formula(logits, targets, options);
}

}  // namespace adjoint
