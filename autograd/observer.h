// Looking on while a program computes. An observer is told of every operation before and after it
// runs, forward and backward, and may change the gradients it is shown. Anomaly mode, the search
// for a wrong operation, profiles, and tests that plant mistakes are observers; without one there
// is a null pointer to look at and no more.
#pragma once

#include <span>
#include <utility>

#include "autograd/ambient.h"
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

  /// The one whose guard stood already when this one's came; told after this one.
  Observer* outer() { return outer_; }

 private:
  friend class Observing;
  Observer* outer_ = nullptr;
};

/// `Observing guard(observer);`: it looks on for the block the guard stands in.
class Observing {
 public:
  explicit Observing(Observer& observer) : observer_(observer) {
    observer.outer_ = std::exchange(ambient().observer, &observer);
  }
  ~Observing() { ambient().observer = observer_.outer_; }
  Observing(const Observing&) = delete;
  Observing& operator=(const Observing&) = delete;

 private:
  Observer& observer_;
};

/// Calls back each observer that looks on, the innermost first.
template <class Call>
void tell_observers(const Call& call) {
  for (Observer* observer = ambient().observer; observer; observer = observer->outer())
    call(*observer);
}

}  // namespace adjoint
