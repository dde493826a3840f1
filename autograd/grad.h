// The reverse sweep: derivatives of recorded computations.
#pragma once

#include "autograd/support/ambient.h"  // NoRecording
#include "autograd/tensor.h"

namespace adjoint {

struct GradOptions {
  /// Record the sweep itself, so that its result can be differentiated again.
  bool create_graph = false;
  /// Drop each node's saved values right after its vjp: less memory, but the graph is spent.
  bool consume = false;
  /// An x that y does not depend on gets zeros; otherwise it is an error.
  bool zeros_if_independent = false;
};

/// ∂y/∂x for each x in xs, y having one element. Nothing accumulates anywhere: calling it twice
/// gives the same answer twice. Error, naming the x, when one is untracked or y is independent of
/// it; when the graph was consumed; when a value that a vjp reads was changed since it was
/// recorded.
Tensors grad(const Tensor& y, const Tensors& xs, const GradOptions& options = {});

/// Σᵢ ȳᵢᵀ ∂yᵢ/∂x for each x in xs: the vector-Jacobian product with cotangents of the ys' shapes.
/// A cotangent that is not defined counts as zero.
Tensors grad(const Tensors& ys, const Tensors& xs, const Tensors& cotangents,
             const GradOptions& options = {});

/// Sweeps from y, which has one element, to all leaves that it depends on, and adds each gradient
/// to the leaf's grad(). Consumes the graph. The form known from other frameworks; grad() is the
/// plainer one.
void backward(const Tensor& y);

}  // namespace adjoint
