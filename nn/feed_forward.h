// The position-wise feed-forward network.
#pragma once

#include "nn/context.h"
#include "nn/linear.h"

namespace adjoint::nn {

enum class Activation { relu, gelu };

/// W₂ f(W₁ x + b₁) + b₂ for each row: […, width] to […, width] (Vaswani et al. 2017, equation 2).
struct FeedForward : Module {
  Linear up;    // width to hidden
  Linear down;  // hidden to width
  Activation activation;

  FeedForward(Index width, Index hidden, Activation f, Key key)
      : up(width, hidden, key.child("up")), down(hidden, width, key.child("down")), activation(f) {}
  void fields(Fields& visit) override { visit("up", up)("down", down); }

  Tensor operator()(const Tensor& x, const Context& context) const {
    const NameScope scope(context.path());
    const Tensor hidden = up(x);
    return down(activation == Activation::relu ? relu(hidden) : gelu(hidden));
  }
};

}  // namespace adjoint::nn
