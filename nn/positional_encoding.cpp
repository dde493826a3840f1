#include "nn/positional_encoding.h"

#include <cmath>

#include "nn/dropout.h"

namespace adjoint::nn {

Tensor sinusoids(Index positions, Index width, DType dtype) {
  Tensor table({{positions, width}, DType::f64});
  double* entry = table.edit<double>().data();
  for (Index p = 0; p < positions; ++p)
    for (Index j = 0; j < width; ++j) {
      const double exponent = static_cast<double>(j - j % 2) / static_cast<double>(width);
      const double angle = static_cast<double>(p) / std::pow(10000.0, exponent);
      *entry++ = j % 2 == 0 ? std::sin(angle) : std::cos(angle);
    }
  return adjoint::cast(table, dtype);
}

PositionalEncoding::PositionalEncoding(Positions which, Index positions, Index width, double p,
                                       Key key)
    : kind(which), drop(p) {
  if (kind == Positions::sinusoidal) table = sinusoids(positions, width);
  if (kind == Positions::learned)
    table = normal_weight({positions, width}, 1 / std::sqrt(static_cast<double>(width)), key);
}

Tensor PositionalEncoding::operator()(const Tensor& x, const Layout& layout,
                                      const Context& context) const {
  const NameScope scope(context.path());
  const bool added = kind == Positions::sinusoidal || kind == Positions::learned;
  if (!added) return dropout(x, drop, layout, context);
  for (const Index position : layout.positions().values<Index>())
    require(position < table.size(0), "positional encoding: position ", position, " is beyond the ",
            table.size(0), " that the model was made for");
  const Tensor rows = gather(table, layout.positions());                       // [rows, width]
  const Tensor encoding = reshape(adjoint::cast(rows, x.dtype()), x.shape());  // […, width]
  return dropout(x + encoding, drop, layout, context);
}

}  // namespace adjoint::nn
