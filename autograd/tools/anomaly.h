// Anomaly mode: which operation produced the first NaN or infinity.
//
//   const DetectAnomaly guard;
//   trainer.step(sources, targets);
//
// throws an Error that names the operation and its operands, instead of returning a loss of NaN.
#pragma once

#include "autograd/observer.h"

namespace adjoint {

/// While this guard exists, the first non-finite value ends the run with an Error: a forward value
/// as soon as it is computed, or a gradient that a vjp returns. The text gives the operation, the
/// name scope, the element, and statistics of all operands (in a vjp, of those it reads). It tells
/// an operation that *makes* a NaN or an infinity out of finite values from one that *received* it
/// from outside, in a leaf, a constant or a given cotangent.
///
/// Intended infinities pass: an operation may hand on those of constants, such as −∞ in a mask, and
/// logsumexp over nothing is −∞ by convention. Whatever is computed from them is checked again.
///
/// The guard covers its thread and the workers that compute for it. It reads each value once more.
class DetectAnomaly : private Observer {
 public:
  DetectAnomaly() : observing_(*this) {}

 private:
  void after_forward(const char* operation, const Inputs& in, std::span<const Tensor> out) override;
  void after_vjp(const Node& node, const Pullback& back, Tensors& gradients) override;

  Observing observing_;
};

}  // namespace adjoint
