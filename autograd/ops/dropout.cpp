// Dropout.

#include "autograd/kernels/dropout.h"

#include "autograd/kernels/elementwise.h"
#include "autograd/operation.h"
#include "autograd/ops.h"

namespace adjoint {
namespace {

// y = x ⊙ m / (1 − p),  m a mask of zeros and ones        x̄ = ȳ ⊙ m / (1 − p): the mask is made
// again
struct Dropout {
  static constexpr auto name = "dropout";
  static constexpr Reads reads = {};
  double p;
  Key key;
  Tensor rows;  // a constant: [number of rows], or not defined

  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const Index width = in[0].size(-1);
    const Index* const numbers = rows.defined() ? rows.values<Index>().data() : nullptr;
    const T* const x = in[0].values<T>().data();
    T* const y = out[0].edit<T>().data();
    const kernels::DropoutMask<T> mask(p, key.value());
    const auto name_of = [&](Index row) {
      return static_cast<std::uint64_t>(numbers ? numbers[row] : row);
    };
    const Index grain = std::max<Index>(1, kernels::elementwise_grain / std::max<Index>(1, width));
    parallel_for(in[0].shape().numel(0, in[0].rank() - 1), grain, [&](Index begin, Index end) {
      mask.apply(x + begin * width, y + begin * width, end - begin, width,
                 [&](Index i) { return name_of(begin + i); });
    });
  }
  Tensors vjp(const Pullback& back) const { return {apply(*this, back.cotangent())}; }
};

}  // namespace

Tensor dropout(const Tensor& x, double p, Key key, const Tensor& rows) {
  require(p >= 0 && p < 1, "dropout: p must lie in [0, 1), is ", p);
  require(x.rank() >= 1, "dropout: x must have at least one axis, got ", x.shape());
  const Index count = x.shape().numel(0, x.rank() - 1);
  require(!rows.defined() || (rows.dtype() == DType::i64 && rows.numel() == count),
          "dropout: row numbers must be i64, one for each of the ", count, " rows of x ",
          x.shape());
  return p == 0 ? x : apply(Dropout{p, key, rows}, x);
}

}  // namespace adjoint
