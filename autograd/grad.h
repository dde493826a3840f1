// The reverse sweep: derivatives of recorded computations.
#pragma once

#include "autograd/support/ambient.h"  // NoRecording
#include "autograd/tensor.h"

namespace adjoint {

/// How grad() sweeps.
struct GradOptions {
  /// Record the sweep itself, so that its result can be differentiated again.
  bool create_graph = false;
  /// Drop each node's saved values right after its vjp. Saves memory; the graph cannot be swept
  /// again.
  bool consume = false;
  /// An x that y does not depend on gets zeros; otherwise it is an error.
  bool zeros_if_independent = false;
};

/// ∂y/∂x for each x in xs; y has one element. Nothing accumulates: calling it twice gives the same
/// answer twice. Errors: an x that is untracked or that y does not depend on, by name; a consumed
/// graph; a value that a vjp reads and that was changed after it was recorded.
Tensors grad(const Tensor& y, const Tensors& xs, const GradOptions& options = {});

/// Σᵢ ȳᵢᵀ ∂yᵢ/∂x for each x in xs: the vector-Jacobian product with cotangents of the ys' shapes.
/// An empty cotangent means zero.
Tensors grad(const Tensors& ys, const Tensors& xs, const Tensors& cotangents,
             const GradOptions& options = {});

/// Sweeps from y, which has one element, to all leaves that it depends on, and adds each gradient
/// to the leaf's grad(). Consumes the graph. Other frameworks work this way; grad() is simpler,
/// because nothing has to be zeroed.
void backward(const Tensor& y);

}  // namespace adjoint
