// Watching a program compute. An observer is told of every operation before and after it runs,
// forward and backward, of every cotangent that arrives at a node, and of every gradient that
// reaches a leaf; it may change values and the gradients that a vjp returns. Anomaly detection, the
// search for a wrong operation and profiles are observers, and so are tests that plant mistakes.
// Without an observer the cost is one look at a null pointer.
#pragma once

#include <span>
#include <utility>

#include "autograd/support/ambient.h"
#include "autograd/tensor.h"

namespace adjoint {

class Inputs;
class Leaf;
class Node;
class Pullback;

/// An observer sees what its thread computes while an Observing guard stands, and what workers
/// compute for that thread, so several threads may call it at once. The name scope of an operation
/// is `ambient().scope`; a vjp runs in that of its forward. The operations inside a vjp are
/// reported too: `ambient().vjp_of` is then the node whose vjp runs.
class Observer {
 public:
  virtual ~Observer() = default;

  virtual void before_forward(const char* /*operation*/, const Inputs& /*in*/) {}
  /// The values are there and nothing is recorded yet. The observer may change them, to plant a
  /// mistake or rounding errors. Not told of views.
  virtual void after_compute(const char* /*operation*/, const Inputs& /*in*/,
                             std::span<Tensor> /*out*/) {}
  /// If the operation was recorded, its node is `out[0].history().node`.
  virtual void after_forward(const char* /*operation*/, const Inputs& /*in*/,
                             std::span<const Tensor> /*out*/) {}
  virtual void before_vjp(const Node& /*node*/, const Pullback& /*back*/) {}
  /// One gradient for each input of the node, empty where it is zero or not needed.
  virtual void after_vjp(const Node& /*node*/, const Pullback& /*back*/, Tensors& /*gradients*/) {}
  /// A term of the cotangent of one output has arrived at its node; `sum` is what has arrived there
  /// so far, this term included. `from` is the node whose vjp sent it, null for the sweep's seed.
  virtual void after_arrival(const Node* /*from*/, const Node& /*to*/, int /*output*/,
                             const Tensor& /*term*/, const Tensor& /*sum*/) {}
  /// The whole gradient of a leaf: nothing more will arrive there in this sweep.
  virtual void at_leaf(const Leaf& /*leaf*/, const Tensor& /*gradient*/) {}
};

/// `Observing guard(observer);` has the observer watch the block that the guard stands in, beside
/// those that watch already.
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

/// `Unobserved guard;` hides what a tool computes for its own purposes.
struct Unobserved : ScopedValue<const Observing*> {
  Unobserved() : ScopedValue(ambient().observing, nullptr) {}
};

/// Stands while the sweep runs a vjp, so that an observer can tell what a vjp computes from what
/// the program does. Of nested vjps the outermost counts.
struct VjpGuard : ScopedValue<const Node*> {
  explicit VjpGuard(const Node& node)
      : ScopedValue(ambient().vjp_of, ambient().vjp_of ? ambient().vjp_of : &node) {}
};

/// Calls `call` with each observer, the innermost first.
template <class Call>
void tell_observers(const Call& call) {
  for (const Observing* guard = ambient().observing; guard; guard = guard->outer())
    [[unlikely]] call(guard->observer());
}

}  // namespace adjoint
