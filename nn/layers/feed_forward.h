// The position-wise feed-forward network.
#pragma once

#include "nn/batch/context.h"
#include "nn/layers/linear.h"

namespace adjoint::nn {

/// The nonlinearity of a feed-forward network. The last three are gates: one projection of the row,
/// squashed, multiplies another.
enum class Activation {
  relu,    ///< max(h, 0)
  gelu,    ///< h Φ(h)
  glu,     ///< σ(g) ⊙ h
  geglu,   ///< g Φ(g) ⊙ h
  swiglu,  ///< g σ(g) ⊙ h
};

/// W₂ f(W₁ x + b₁) + b₂ for each row: […, width] to […, width] (Vaswani et al. 2017, equation 2).
/// With a gate, W₂ (f(W x + b) ⊙ (V x + c)) + b₂, where f is σ, gelu or swish (Shazeer, "GLU
/// variants improve Transformer", 2020, equation 5). A gate takes half as many weights again for
/// the same hidden width, so the paper uses two thirds of that width.
struct FeedForward : Module {
  std::optional<Linear> gate;  // width to hidden, for gated kinds
  Linear up;                   // width to hidden
  Linear down;                 // hidden to width
  Activation activation;

  FeedForward(Index width, Index hidden, Activation f, Key key)
      : up(width, hidden, key.child("up")), down(hidden, width, key.child("down")), activation(f) {
    if (f != Activation::relu && f != Activation::gelu)
      gate.emplace(width, hidden, key.child("gate"));
  }
  void fields(Fields& visit) override { visit("gate", gate)("up", up)("down", down); }

  Tensor operator()(const Tensor& x, const Context& context) const {
    const NameScope scope(context.path());
    return down(gate ? activated((*gate)(x)) * up(x) : activated(up(x)));
  }

 private:
  Tensor activated(const Tensor& h) const {
    if (activation == Activation::relu) return relu(h);
    if (activation == Activation::glu) return sigmoid(h);
    if (activation == Activation::swiglu) return h * sigmoid(h);
    if (activation == Activation::gelu || activation == Activation::geglu) return gelu(h);
    fail("feed-forward: no such activation");
  }
};

}  // namespace adjoint::nn
