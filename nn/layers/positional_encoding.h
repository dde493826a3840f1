// Where in its sequence a token stands.
#pragma once

#include <optional>

#include "nn/batch/context.h"
#include "nn/batch/layout.h"
#include "nn/init.h"
#include "nn/layers/linear.h"
#include "nn/module.h"

namespace adjoint::nn {

/// The table of sinusoids [positions, width]: P[p, 2j] = sin(p / 10000^(2j/width)), P[p, 2j+1] =
/// cos of the same angle (Vaswani et al. 2017, section 3.5). An odd width ends in a sine without
/// its cosine.
Tensor sinusoids(Index positions, Index width, DType dtype = DType::f64);

/// How a model knows where a token stands. By an encoding of its row: the entry of a table, or what
/// a filter reads in the row's neighbourhood. Or by what attention within a sequence does with the
/// distance of query and key: turning both (RoFormer), lowering the score (ALiBi; see attention()
/// and rotary()), or learning a vector for it (RelativePositions).
enum class Positions { none, sinusoidal, learned, convolutional, rotary, linear_biases, relative };

/// Whether the kind is an encoding, which can be joined to rows in different ways and places.
bool is_encoding(Positions kind);

/// How the encoding e comes to its row x.
enum class PositionMode {
  add,          ///< x + e
  concatenate,  ///< W [x, e] + b, back to the width of x
  split,        ///< [x, e], x being narrower, so that both have the width together
};

/// Where in a stack of blocks rows get their encoding.
enum class PositionPlace { before, each_block, after };

/// What the kinds of positions leave open.
struct PositionOptions {
  PositionMode mode = PositionMode::add;
  PositionPlace place = PositionPlace::before;
  Index width = 64;             ///< features of the encoding, if the width is split
  Index taps = 3;               ///< of the convolutional filter
  Index max_distance = 16;      ///< relative positions do not tell larger ones apart
  bool relative_values = true;  ///< learn vectors for values as well, not for keys only

  /// The width of rows that are to have `whole` with their encoding.
  Index width_without(Index whole) const {
    return mode == PositionMode::split ? whole - width : whole;
  }
};

/// Error when mode, place and widths do not go with the kind.
void require_positions(Positions kind, const PositionOptions& options, Index width);

/// Whether a filter reads the rows to both sides of a row, or the row itself and those before it:
/// a decoder must not see what comes later.
enum class Reach { both_sides, back };

/// Joins each row with the encoding of its position, if the kind is one; then drops out. Positions
/// are the layout's, so a decoder that goes on at step t gets the encoding of t.
///
/// Adding looks as if it lost something, and concatenating as if it kept both apart. But W [x, e] =
/// W₁ x + W₂ e: what concatenation gains are the two projections, and in many dimensions rows and
/// encodings are nearly orthogonal anyway.
///
/// The convolutional encoding is e_p = Σ_t filter[t] ⊙ x_{p+t−behind}, a filter for each feature
/// over positions, with zeros beyond the sequence's ends (Chu et al. 2021, "Conditional positional
/// encodings for vision transformers", section 3). It has no largest position.
struct PositionalEncoding : Module {
  Tensor table;   // [positions, features]: a parameter if learned, a constant if sinusoidal
  Tensor filter;  // [taps, features], if convolutional
  std::optional<Linear> projection;  // back to the width, if concatenated
  Positions kind;
  PositionMode mode;
  Index behind, ahead;  // rows that the filter reads before and after a row
  double drop;

  /// For rows that have `width` with their encoding; `positions` is how many a sequence may have at
  /// most.
  PositionalEncoding(Positions kind, Index positions, Index width, double drop, Key key,
                     const PositionOptions& options = {}, Reach reach = Reach::both_sides);
  void fields(Fields& visit) override {
    if (kind == Positions::learned) visit("table", table);
    visit("filter", filter)("projection", projection);
  }

  /// x […, width] in this layout, or narrower if the width is split. Error for a position beyond
  /// the table.
  Tensor operator()(const Tensor& x, const Layout& layout, const Context& context) const;
  /// One step for each sequence, x [batch, 1, width]: the same as the whole prefix gives. `recent`
  /// [batch, taps − 1, width] are the rows that the filter still has to read. It begins undefined
  /// and moves on by one row; other kinds have none. Error for a filter that looks ahead.
  Tensor step(const Tensor& x, Tensor& recent, const Layout& layout) const;

 private:
  Tensor of_table(const Tensor& x, const Layout& layout) const;
  Tensor of_filter(const Tensor& x, const Layout& layout) const;
  Tensor filtered(const Tensor& windows) const;
  Tensor joined(const Tensor& x, const Tensor& encoding) const;
};

}  // namespace adjoint::nn
