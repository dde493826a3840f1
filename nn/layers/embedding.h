// Ids to vectors.
#pragma once

#include <cmath>

#include "nn/module.h"

namespace adjoint::nn {

/// Whether an embedding multiplies its rows by √width.
enum class Scaled { no, yes };

/// Rows of a table [tokens, width], times √width if scaled (Vaswani et al. 2017, section 3.4).
///
/// The table begins with deviation 1/√width, so that scaled entries have variance 1: the size of
/// the sinusoidal positions, in [−1, 1], that are added next. With a table of variance 1, which is
/// the default elsewhere, the same factor would drown the positions.
struct Embedding : Module {
  Tensor table;  // [tokens, width]
  Scaled scaled;

  Embedding(Index tokens, Index width, Key key, Scaled scale = Scaled::yes)
      : table(normal_weight({tokens, width}, 1 / std::sqrt(static_cast<double>(width)), key)),
        scaled(scale) {}
  void fields(Fields& visit) override { visit("table", table); }

  /// ids […] to […, width]. Error for an id outside of the table.
  Tensor operator()(const Tensor& ids) const {
    const Tensor rows = embedding(ids, table);
    if (scaled == Scaled::no) return rows;
    return rows * std::sqrt(static_cast<double>(table.size(1)));
  }
};

}  // namespace adjoint::nn
