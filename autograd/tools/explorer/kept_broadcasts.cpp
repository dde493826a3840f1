#include "autograd/tools/explorer/kept_broadcasts.h"

#include "autograd/grad.h"
#include "autograd/ops.h"
#include "autograd/pullback.h"
#include "autograd/tools/broadcast.h"
#include "autograd/tools/explorer/what_if.h"

namespace adjoint::exploring {

// The operation on operands that are written out in full has the gradient without the sum.
void KeptBroadcasts::after_vjp(const Node& node, const Pullback& back, Tensors& gradients) {
  if (ambient().vjp_of != &node || !broadcasts(node.name())) return;
  const Unobserved own_work;
  const Shape& shape = node.outputs()[0].form.shape;
  const FlagGuard record(&Ambient::recording, true);
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    if (!back.needs(i) || !gradients[i].defined() || back.shape(i) == shape) continue;
    Tensors operands;
    for (std::size_t k = 0; k < back.input_count(); ++k) {
      const Tensor& x = node.inputs()[k].value;
      if (!x.storage()) return;  // not kept
      operands.push_back(detach(k == i ? broadcast_to(detach(x), shape) : x));
    }
    operands[i] = variable(operands[i]);
    const Tensor y = node.replay(operands)[0];
    const Tensor whole = grad({y}, {operands[i]}, {detach(back.cotangent())})[0];
    gradients[i] = detach(part_that_fits(whole, back.shape(i)));
  }
}

}  // namespace adjoint::exploring
