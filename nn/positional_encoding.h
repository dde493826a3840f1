// Where in its sequence a token stands.
#pragma once

#include "nn/context.h"
#include "nn/init.h"
#include "nn/layout.h"
#include "nn/module.h"

namespace adjoint::nn {

/// The table of sinusoids [positions, width]: P[p, 2j] = sin(p / 10000^(2j/width)), P[p, 2j+1] =
/// cos of the same angle (Vaswani et al. 2017, section 3.5). An odd width ends in a sine without
/// its cosine.
Tensor sinusoids(Index positions, Index width, DType dtype = DType::f64);

/// How a model knows where a token stands: by what is added to its embedding, or by what attention
/// within a sequence does with the distance of query and key: turning both (RoFormer), or lowering
/// the score (ALiBi; see attention() and rotary()).
enum class Positions { none, sinusoidal, learned, rotary, linear_biases };

/// Adds the encoding of each row's position, if it is of the kind that is added; then drops out.
/// Positions are the layout's, so a decoder that goes on at step t adds the row of t.
struct PositionalEncoding : Module {
  Tensor table;  // [positions, width]: a parameter if learned, a constant if sinusoidal
  Positions kind;
  double drop;

  /// `positions` is how many a sequence may have at most.
  PositionalEncoding(Positions kind, Index positions, Index width, double drop, Key key);
  void fields(Fields& visit) override {
    if (kind == Positions::learned) visit("table", table);
  }

  /// x […, width] in this layout. Error for a position beyond the table.
  Tensor operator()(const Tensor& x, const Layout& layout, const Context& context) const;
};

}  // namespace adjoint::nn
