#include "nn/layers/feed_forward.h"

namespace adjoint::nn {

bool is_gated(Activation activation) {
  return activation == Activation::glu || activation == Activation::geglu ||
         activation == Activation::swiglu;
}

FeedForward::FeedForward(Index width, Index hidden, Activation f, Key key)
    : up(width, hidden, key.child("up")), down(hidden, width, key.child("down")), activation(f) {
  if (is_gated(f)) gate.emplace(width, hidden, key.child("gate"));
}

namespace {

Tensor activated(Activation activation, const Tensor& h) {
  switch (activation) {
    case Activation::relu:
      return relu(h);
    case Activation::gelu:
    case Activation::geglu:
      return gelu(h);
    case Activation::glu:
      return sigmoid(h);
    case Activation::swiglu:
      return h * sigmoid(h);
  }
  fail("feed-forward: no such activation");
}

}  // namespace

Tensor FeedForward::operator()(const Tensor& x, const Context& context) const {
  const NameScope scope(context.path());
  return down(gate ? activated(activation, (*gate)(x)) * up(x) : activated(activation, up(x)));
}

}  // namespace adjoint::nn
