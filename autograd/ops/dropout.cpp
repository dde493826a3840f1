// Dropout.

#include "autograd/apply.h"
#include "autograd/ops.h"
#include "autograd/ops/rows.h"

namespace adjoint {
namespace {

// The mask m is a function of the key, so the vjp generates it again.
struct Dropout {
  static constexpr auto name = "dropout";
  static constexpr const char* rule[] = {
      "y = x m / (1 − p), m random zeros and ones",
      "x̄ = ȳ m / (1 − p), with the same m",
  };
  static constexpr Operands reads = {};
  RowDropout mask;
  Attributes attributes() const { return {{"p", mask.p}}; }

  Form form(Inputs in) const {
    require_last_axis(name, in[0].shape());
    mask.check(name, in[0].shape());
    return in[0].form();
  }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const Index width = in[0].size(-1);
    if (width == 0) return;  // there may be very many empty rows
    const T* const x = in[0].values<T>().data();
    T* const y = out[0].edit<T>().data();
    each_piece_of_rows(in[0].shape(), [&](Index begin, Index end) {
      mask.apply(x + begin * width, y + begin * width, begin, end, width);
    });
  }
  Tensors vjp(const Pullback& back) const { return {apply(*this, back.cotangent())}; }
};

}  // namespace

Tensor dropout(const Tensor& x, double p, Key key, const Tensor& rows) {
  const Dropout op{{p, key, rows}};
  if (p != 0) return apply(op, x);
  require_form(op, x);
  return x;
}

}  // namespace adjoint
