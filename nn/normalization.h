// Layer normalisation, and the residual connection around a sublayer.
#pragma once

#include "nn/context.h"
#include "nn/dropout.h"
#include "nn/init.h"
#include "nn/module.h"

namespace adjoint::nn {

struct LayerNorm : Module {
  Tensor gain, bias;  // [width]

  explicit LayerNorm(Index width)
      : gain(constant_weight({width}, 1)), bias(constant_weight({width}, 0)) {}
  void fields(Fields& visit) override { visit("gain", gain)("bias", bias); }

  Tensor operator()(const Tensor& x) const { return layer_norm(x, gain, bias); }
};

enum class NormPlacement {
  post,  ///< norm(x + f(x)), as in the paper
  pre,   ///< x + f(norm(x)): easier to train when deep (Xiong et al. 2020)
};

/// A residual connection around a sublayer f, with dropout of f's result and layer normalisation.
struct AddNorm : Module {
  LayerNorm norm;
  NormPlacement placement;
  double drop;

  AddNorm(Index width, NormPlacement where, double p) : norm(width), placement(where), drop(p) {}
  void fields(Fields& visit) override { norm.fields(visit); }

  /// `sublayer` maps a tensor like x to one of the same shape.
  template <class Sublayer>
  Tensor operator()(const Tensor& x, const Layout& layout, const Context& context,
                    const Sublayer& sublayer) const {
    const NameScope scope(context.path());
    if (placement == NormPlacement::pre)
      return x + dropout(sublayer(norm(x)), drop, layout, context);
    const Tensor f = sublayer(x);
    if (!context.training() || drop == 0) return add_norm(x, f, norm.gain, norm.bias);
    return add_norm(x, f, norm.gain, norm.bias,
                    {.dropout = drop, .key = context.take_key(), .rows = layout.row_numbers()});
  }
};

}  // namespace adjoint::nn
