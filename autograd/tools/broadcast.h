// Finds unintended broadcasting: predictions [n, 1] minus targets [n] have the shape [n, n], and
// the mean of their squares looks like any other loss.
//
//   const DetectBroadcast guard;
//   Tensor loss = mean(pow(predictions - targets, 2));
//
// throws an Error that names both shapes, instead of training on the wrong loss.
#pragma once

#include <string_view>

#include "autograd/observer.h"

namespace adjoint {

/// Whether the operation of this name applies numpy's broadcasting rule to all of its operands.
bool broadcasts(std::string_view operation);

/// While this guard exists, an elementwise operation throws an Error if it repeats *all* of its
/// operands: a result larger than each of them is nearly always a mistake. It may still repeat one
/// operand to the size of another, as it repeats a bias [width] over rows. Operations inside vjps
/// are not checked: they repeat what the forward pass did. The guard covers its own thread and the
/// workers that compute for it.
class DetectBroadcast : private Observer {
 public:
  DetectBroadcast() : observing_(*this) {}

 private:
  void before_forward(const char* operation, const Inputs& in) override;

  Observing observing_;
};

/// `DeliberateBroadcast guard;` allows it in a block that intends it, for example to form all pairs
/// of two lists.
struct DeliberateBroadcast : FlagGuard {
  DeliberateBroadcast() : FlagGuard(&Ambient::deliberate_broadcast, true) {}
};

}  // namespace adjoint
