#include "nn/layers/positional_encoding.h"
#include "nn/layers/dropout.h"

#include <cmath>

namespace adjoint::nn {

Tensor sinusoids(Index positions, Index width, DType dtype) {
  return generate({positions, width}, dtype, [=](Index i) {
    const Index p = i / width, j = i % width;
    const double exponent = static_cast<double>(j - j % 2) / static_cast<double>(width);
    const double angle = static_cast<double>(p) / std::pow(10000.0, exponent);
    return j % 2 == 0 ? std::sin(angle) : std::cos(angle);
  });
}

PositionalEncoding::PositionalEncoding(Positions which, Index positions, Index width, double p,
                                       Key key, const PositionOptions& options, Reach reach)
    : kind(which),
      mode(options.mode),
      behind(reach == Reach::back ? options.taps - 1 : options.taps / 2),
      ahead(options.taps - 1 - behind),
      drop(p) {
  const Index features = mode == PositionMode::split ? options.width : width;
  if (kind == Positions::sinusoidal) table = sinusoids(positions, features);
  if (kind == Positions::learned)
    table = normal_weight({positions, features}, 1 / std::sqrt(static_cast<double>(features)), key);
  if (kind == Positions::convolutional)  // keeps the variance of its input
    filter = normal_weight({options.taps, features},
                           1 / std::sqrt(static_cast<double>(options.taps)), key);
  if (mode == PositionMode::concatenate)
    projection.emplace(2 * width, width, key.child("projection"));
}

Tensor PositionalEncoding::operator()(const Tensor& x, const Layout& layout,
                                      const Context& context) const {
  const NameScope scope(context.path());
  if (!is_encoding(kind)) return dropout(x, drop, layout, context);
  return dropout(joined(x, encoding(x, layout)), drop, layout, context);
}

Tensor PositionalEncoding::step(const Tensor& x, Tensor& recent, const Layout& layout) const {
  if (kind != Positions::convolutional) return (*this)(x, layout, Context::inference());
  require(ahead == 0, "positional encoding: a filter that reads ", ahead,
          " rows ahead cannot run step by step");
  if (!recent.defined()) recent = zeros({x.size(0), behind, x.size(2)}, x.dtype());
  const Tensor windows = concat({recent, x}, 1);   // [batch, taps, width]
  recent = slice(windows, 1, 1, windows.size(1));  // [batch, taps − 1, width]
  return joined(x, reshape(filtered(windows), x.shape()));
}

Tensor PositionalEncoding::encoding(const Tensor& x, const Layout& layout) const {
  if (kind == Positions::convolutional) {
    require(layout.first_position() == 0,
            "positional encoding: a filter needs the rows before position ",
            layout.first_position(), "; step() keeps them");
    const Tensor rows = reshape(x, {layout.rows(), x.size(-1)});            // [rows, width]
    const Tensor windows = gather(rows, layout.neighbours(behind, ahead));  // [rows, taps, width]
    return reshape(filtered(windows), x.shape());
  }
  for (const Index position : layout.positions().values<Index>())
    require(position < table.size(0), "positional encoding: position ", position, " is beyond the ",
            table.size(0), " that the model was made for");
  const Tensor rows = gather(table, layout.positions());  // [rows, features]
  return reshape(adjoint::cast(rows, x.dtype()), x.shape().with(-1, table.size(1)));
}

Tensor PositionalEncoding::joined(const Tensor& x, const Tensor& encoding) const {
  if (mode == PositionMode::add) return x + encoding;
  const Tensor both = concat({x, encoding}, x.rank() - 1);  // […, width of both]
  return projection ? (*projection)(both) : both;
}

}  // namespace adjoint::nn
