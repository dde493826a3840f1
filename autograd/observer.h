// Looking on while a program computes. An observer is told of every operation before and after it
// runs, forward and backward, and may change the gradients it is shown. Anomaly mode, the search
// for a wrong operation, profiles, and tests that plant mistakes are observers; without one there
// is a null pointer to look at and no more.
#pragma once

#include <span>
#include <utility>

#include "autograd/support/ambient.h"
#include "autograd/tensor.h"

namespace adjoint {

class Inputs;
class Node;
class Pullback;

/// What is observed is all that the thread computes while an Observing guard stands, and what
/// workers compute for it, so several threads may call at once. The name scope of an operation is
/// `ambient().scope`, in a vjp that of the forward. The operations that a vjp is made of are told
/// of, too: `ambient().vjp_of` is then its node.
class Observer {
 public:
  virtual ~Observer() = default;

  virtual void before_forward(const char* /*operation*/, const Inputs& /*in*/) {}
  /// What was recorded hangs on the outputs: `out[0].history().node`, if anything was.
  virtual void after_forward(const char* /*operation*/, const Inputs& /*in*/,
                             std::span<const Tensor> /*out*/) {}
  virtual void before_vjp(const Node& /*node*/, const Pullback& /*back*/) {}
  /// One gradient for each input of the node, not defined where it is zero or not needed.
  virtual void after_vjp(const Node& /*node*/, const Pullback& /*back*/, Tensors& /*gradients*/) {}
};

/// `Observing guard(observer);`: it looks on for the block the guard stands in, beside those that
/// do already.
class Observing {
 public:
  explicit Observing(Observer& observer)
      : observer_(observer), outer_(std::exchange(ambient().observing, this)) {}
  ~Observing() { ambient().observing = outer_; }
  Observing(const Observing&) = delete;
  Observing& operator=(const Observing&) = delete;

  Observer& observer() const { return observer_; }
  const Observing* outer() const { return outer_; }

 private:
  Observer& observer_;
  const Observing* outer_;
};

/// `Unobserved guard;`: what a tool computes for its own ends is told to nobody.
class Unobserved {
 public:
  Unobserved() : former_(std::exchange(ambient().observing, nullptr)) {}
  ~Unobserved() { ambient().observing = former_; }
  Unobserved(const Unobserved&) = delete;
  Unobserved& operator=(const Unobserved&) = delete;

 private:
  const Observing* former_;
};

/// Calls back each observer that looks on, the innermost first.
template <class Call>
void tell_observers(const Call& call) {
  for (const Observing* guard = ambient().observing; guard; guard = guard->outer())
    call(guard->observer());
}

}  // namespace adjoint
