// What f32 would do to a computation, measured in f64: every result of an operation that f32 cannot
// hold is moved to a random f32 number near it. How far the end results move from run to run is
// their rounding error in f32, including what cancels inside. (Parker, "Monte Carlo arithmetic:
// exploiting randomness in floating-point arithmetic", UCLA, 1997: random rounding.)
#pragma once

#include <mutex>

#include "autograd/observer.h"
#include "autograd/random.h"

namespace adjoint::checking {

/// Observes a computation in f64 and rounds the results of its operations at random, to within
/// 4 √n roundings if each of them is made of n numbers.
class RandomRounding final : public Observer {
 public:
  /// `shrinks`: only towards zero, so that a probability stays below 1.
  RandomRounding(Key key, bool shrinks) : key_(key), shrinks_(shrinks) {}
  void after_compute(const char* operation, const Inputs& in, std::span<Tensor> out) override;

  /// Each element of the f64 tensors moved to an f32 number within 4 roundings; zeros stay.
  Tensors rounded(const Tensors& xs);

 private:
  Key key_;
  bool shrinks_;
  std::mutex mutex_;  // f may use several threads
  std::uint64_t results_ = 0, given_ = 0;
};

}  // namespace adjoint::checking
