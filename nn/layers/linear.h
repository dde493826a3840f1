// The affine layer.
#pragma once

#include "nn/module.h"

namespace adjoint::nn {

/// Whether a linear layer adds a bias.
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

}  // namespace adjoint::nn
