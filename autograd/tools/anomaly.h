// Anomaly mode: which operation made the first NaN or infinity.
//
//   const DetectAnomaly guard;
//   trainer.step(sources, targets);
//
// ends with an Error that names the operation and its operands, instead of a loss that is NaN.
#pragma once

#include "autograd/observer.h"

namespace adjoint {

/// While it stands, the first value that goes wrong ends the run with an Error: forward as soon as
/// it is computed, and backward as a gradient of an operation. The text tells operation, name
/// scope, element, and statistics of all operands; of a vjp those that it reads.
///
/// Values go wrong in two ways. An operation *makes* a NaN or an infinity out of what is finite; or
/// one *came from outside*, in a leaf, a constant or a given cotangent, and the text says so.
///
/// Infinities are let through where they are meant: an operation may hand on those of constants,
/// such as the −∞ of a mask made by hand, and logsumexp over nothing is −∞ by convention. What they
/// turn into later is looked at like everything else.
///
/// It holds for the thread and for what workers compute for it. Each value is read once more; off,
/// it costs nothing.
class DetectAnomaly : private Observer {
 public:
  DetectAnomaly() : observing_(*this) {}

 private:
  void after_forward(const char* operation, const Inputs& in, std::span<const Tensor> out) override;
  void after_vjp(const Node& node, const Pullback& back, Tensors& gradients) override;

  Observing observing_;
};

}  // namespace adjoint
