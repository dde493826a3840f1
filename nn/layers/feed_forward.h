// The position-wise feed-forward network.
#pragma once

#include "nn/batch/context.h"
#include "nn/layers/linear.h"

namespace adjoint::nn {

/// What stands between the layers of a feed-forward network. The last three are gates: one
/// projection of the row, squashed, is multiplied with another one.
enum class Activation {
  relu,    ///< max(h, 0)
  gelu,    ///< h Φ(h)
  glu,     ///< σ(g) ⊙ h
  geglu,   ///< g Φ(g) ⊙ h
  swiglu,  ///< g σ(g) ⊙ h
};
bool is_gated(Activation activation);

/// W₂ f(W₁ x + b₁) + b₂ for each row: […, width] to […, width] (Vaswani et al. 2017, equation 2).
/// With a gate, W₂ (f(W x + b) ⊙ (V x + c)) + b₂ (Shazeer, "GLU variants improve Transformer",
/// 2020, equation 5), where f is σ, gelu or swish: half as many weights again for the same hidden
/// width, so the paper takes two thirds of that.
struct FeedForward : Module {
  std::optional<Linear> gate;  // width to hidden, of gated kinds
  Linear up;                   // width to hidden
  Linear down;                 // hidden to width
  Activation activation;

  FeedForward(Index width, Index hidden, Activation f, Key key);
  void fields(Fields& visit) override { visit("gate", gate)("up", up)("down", down); }

  Tensor operator()(const Tensor& x, const Context& context) const;
};

}  // namespace adjoint::nn
