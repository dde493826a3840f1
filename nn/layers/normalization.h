// Normalisation of rows, and the residual connection around a sublayer.
#pragma once

#include <variant>

#include "nn/layers/dropout.h"
#include "nn/layers/linear.h"

namespace adjoint::nn {

/// (x − mean) / √(variance + ε) ⊙ gain + bias for each row: […, width] to the same. (Ba et al.
/// 2016.)
struct LayerNorm : Module {
  Tensor gain, bias;  // [width]

  explicit LayerNorm(Index width)
      : gain(constant_weight({width}, 1)), bias(constant_weight({width}, 0)) {}
  void fields(Fields& visit) override { visit("gain", gain)("bias", bias); }

  Tensor operator()(const Tensor& x) const { return layer_norm(x, gain, bias); }
};

/// x / √(mean(x²) + ε) ⊙ gain for each row: […, width] to the same. Without mean and bias it has
/// half the parameters and less to compute. (Zhang and Sennrich 2019.)
struct RmsNorm : Module {
  Tensor gain;  // [width]

  explicit RmsNorm(Index width) : gain(constant_weight({width}, 1)) {}
  void fields(Fields& visit) override { visit("gain", gain); }

  Tensor operator()(const Tensor& x) const { return rms_norm(x, gain); }
};

/// LayerNorm or RmsNorm.
enum class Normalization { layer, rms };

/// Either of the two.
struct Norm : Module {
  std::variant<LayerNorm, RmsNorm> kind;

  explicit Norm(Index width, Normalization which = Normalization::layer) : kind(LayerNorm(width)) {
    if (which == Normalization::rms) kind = RmsNorm(width);
  }
  void fields(Fields& visit) override {
    std::visit([&](Module& norm) { norm.fields(visit); }, kind);
  }

  Tensor operator()(const Tensor& x) const {
    return std::visit([&](const auto& norm) { return norm(x); }, kind);
  }
};

/// Where a residual connection normalises.
enum class NormPlacement {
  post,  ///< norm(x + f(x)), as in the paper
  pre,   ///< x + f(norm(x)): easier to train when deep (Xiong et al. 2020)
};

/// A residual connection around a sublayer f, with normalisation and dropout of f's result.
struct AddNorm : Module {
  Norm norm;
  NormPlacement placement;
  double drop;

  AddNorm(Index width, NormPlacement where, double p, Normalization kind = Normalization::layer)
      : norm(width, kind), placement(where), drop(p) {}
  void fields(Fields& visit) override { norm.fields(visit); }

  /// `sublayer` keeps the shape of its argument.
  template <class Sublayer>
  Tensor operator()(const Tensor& x, const Layout& layout, const Context& context,
                    const Sublayer& sublayer) const {
    const NameScope scope(context.path());
    if (placement == NormPlacement::pre)
      return x + dropout(sublayer(norm(x)), drop, layout, context);
    const Tensor f = sublayer(x);
    const auto* layer = std::get_if<LayerNorm>(&norm.kind);
    if (layer == nullptr) return norm(x + dropout(f, drop, layout, context));
    AddNormOptions fused;
    if (context.training() && drop > 0)
      fused = {.dropout = drop, .key = context.take_key(), .rows = layout.row_numbers()};
    return add_norm(x, f, layer->gain, layer->bias, fused);
  }
};

}  // namespace adjoint::nn
