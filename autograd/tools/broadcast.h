// Broadcasting that was not meant: predictions [n, 1] minus targets [n] are [n, n], and the mean of
// their squares is a number like any other.
//
//   const DetectBroadcast guard;
//   Tensor loss = mean(pow(predictions - targets, 2));
//
// throws an Error that names both shapes, instead of training on the wrong loss.
#pragma once

#include "autograd/observer.h"

namespace adjoint {

/// While this guard exists, an elementwise operation that repeats *all* of its operands is an
/// Error: a result that is larger than each of them is nearly always a mistake. An operand may
/// still be repeated to the size of another, as a bias [width] is over rows. Operations inside
/// vjps are not looked at: they repeat what the forward pass did. Covers the thread of the guard
/// and the workers that compute for it.
class DetectBroadcast : private Observer {
 public:
  DetectBroadcast() : observing_(*this) {}

 private:
  void before_forward(const char* operation, const Inputs& in) override;

  Observing observing_;
};

/// `DeliberateBroadcast guard;`: the block means it, as where all pairs of two lists are formed.
struct DeliberateBroadcast : FlagGuard {
  DeliberateBroadcast() : FlagGuard(&Ambient::deliberate_broadcast, true) {}
};

}  // namespace adjoint
