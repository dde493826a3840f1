// Positions: how a model knows where in its sequence a token stands.
#pragma once

#include <optional>

#include "nn/batch/context.h"
#include "nn/batch/layout.h"
#include "nn/layers/linear.h"

namespace adjoint::nn {

/// The table of sinusoids [positions, width]: P[p, 2j] = sin(p / 10000^(2j/width)), and P[p, 2j+1]
/// is the cosine of the same angle (Vaswani et al. 2017, section 3.5). An odd width ends in a sine.
Tensor sinusoids(Index positions, Index width, DType dtype = DType::f64);

/// Sinusoidal, learned and convolutional positions are encodings, which PositionalEncoding joins to
/// the rows. The other kinds act on the distance of query and key in attention within a sequence:
/// they rotate both (RoFormer), lower the score (ALiBi) or learn a vector (Shaw et al. 2018).
enum class Positions { none, sinusoidal, learned, convolutional, rotary, linear_biases, relative };

inline bool is_encoding(Positions kind) {
  return kind == Positions::sinusoidal || kind == Positions::learned ||
         kind == Positions::convolutional;
}

/// How an encoding e is joined to its row x.
enum class PositionMode {
  add,          ///< x + e
  concatenate,  ///< W [x, e] + b, back to the width of x
  split,        ///< [x, e], where x is narrower and both together have the width
};

/// How a positional encoding joins the features.
struct PositionOptions {
  PositionMode mode = PositionMode::add;
  Index width = 64;  ///< features of the encoding, in mode split
  Index taps = 3;    ///< length of the convolutional filter

  /// The width of the rows that an encoding joins, where the result has width `whole`.
  Index width_without(Index whole) const {
    return mode == PositionMode::split ? whole - width : whole;
  }
};

/// Which rows a filter reads: those around a row, or those up to it. A decoder must not see later
/// rows.
enum class Reach { both_sides, back };

/// Joins each row with the encoding of its position, then applies dropout. Kinds that are not
/// encodings only apply dropout. Positions come from the layout, so a decoder at step t gets the
/// encoding of t.
///
/// Adding seems to lose something that concatenating keeps. But W [x, e] = W₁ x + W₂ e: all that
/// concatenation gains is the two projections, and in many dimensions rows and encodings are nearly
/// orthogonal anyway.
///
/// The convolutional encoding is e_p = Σ_t filter[t] ⊙ x_{p+t−behind}: one filter per feature, with
/// zeros beyond the ends of the sequence (Chu et al. 2021, "Conditional positional encodings for
/// vision transformers", section 3). It has no largest position.
struct PositionalEncoding : Module {
  Tensor table;   // [positions, features]: a parameter if learned, a constant if sinusoidal
  Tensor filter;  // [taps, features], if convolutional
  std::optional<Linear> projection;  // back to the width, in mode concatenate
  Positions kind;
  PositionMode mode;
  Index behind, ahead;  // how many rows the filter reads before and after a row
  double drop;

  /// For results of this width, in sequences of at most `positions` steps.
  PositionalEncoding(Positions kind, Index positions, Index width, double drop, Key key,
                     const PositionOptions& options = {}, Reach reach = Reach::both_sides);
  void fields(Fields& visit) override {
    if (kind == Positions::learned) visit("table", table);
    visit("filter", filter)("projection", projection);
  }

  /// x […, width] in this layout (narrower in mode split) to […, width]. Error for a position
  /// beyond the table.
  Tensor operator()(const Tensor& x, const Layout& layout, const Context& context) const;
  /// One step of each sequence, x [batch, 1, width]; same as over the whole prefix. A filter
  /// remembers its last inputs in `recent` [batch, taps − 1, width], initially undefined. Error
  /// for a filter that reads ahead.
  Tensor step(const Tensor& x, Tensor& recent, const Layout& layout) const;

 private:
  Tensor encoding(const Tensor& x, const Layout& layout) const;
  // windows [n, taps, width] to [n, width]
  Tensor filtered(const Tensor& windows) const { return sum(windows * filter, {1}); }
  Tensor joined(const Tensor& x, const Tensor& encoding) const;
};

}  // namespace adjoint::nn
