// The layers of one formula each: affine, embedding, dropout.
#pragma once

#include "nn/batch/context.h"
#include "nn/batch/layout.h"
#include "nn/module.h"

namespace adjoint::nn {

enum class Bias { no, yes };

/// y = x Wᵀ + b: […, inputs] to […, outputs]. W begins as xavier_uniform(), b as zeros.
struct Linear : Module {
  Tensor weight;  // [outputs, inputs]
  Tensor bias;    // [outputs], or undefined

  Linear(Index inputs, Index outputs, Key key, Bias with_bias = Bias::yes)
      : weight(xavier_uniform({outputs, inputs}, key)) {
    if (with_bias == Bias::yes) bias = constant_weight({outputs}, 0);
  }
  void fields(Fields& visit) override { visit("weight", weight)("bias", bias); }

  Tensor operator()(const Tensor& x) const { return linear(x, weight, bias); }
};

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

/// Dropout with probability p in training; the identity otherwise. An element's fate depends on the
/// key and on its example, step and feature: neither packing nor sharding the batch changes it.
inline Tensor dropout(const Tensor& x, double p, const Layout& layout, const Context& context) {
  if (!context.training() || p == 0) return x;
  return adjoint::dropout(x, p, context.take_key(), layout.row_numbers());
}

}  // namespace adjoint::nn
