// Plants a mistake in every elementwise operation: a broadcast that its vjp does not undo.
#pragma once

#include "autograd/observer.h"

namespace adjoint::exploring {

/// While it observes, an operand that an elementwise operation repeats gets the first term of the
/// sum that would be its gradient: what is left of a gradient in the shape of the result in a
/// buffer of the shape of the operand. It needs the operands' values: record under a KeepValues
/// guard.
class KeptBroadcasts final : public Observer {
 public:
  void after_vjp(const Node& node, const Pullback& back, Tensors& gradients) override;
};

}  // namespace adjoint::exploring
