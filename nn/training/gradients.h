// What a step does with all gradients together: adding up those of the shards, and clipping.
#pragma once

#include <algorithm>
#include <span>

#include "autograd/support/error.h"
#include "autograd/tensor.h"

namespace adjoint::nn {

/// Thrown instead of taking a step when a gradient is NaN or infinite, since the step would destroy
/// the parameters. To see where the value arose, take the step under a DetectAnomaly guard
/// (autograd/tools/anomaly.h).
class NotFinite : public Error {
  using Error::Error;
};

/// √Σ g² over all elements of all gradients.
double global_norm(const Tensors& gradients);
/// Adds the gradients of all shards to those of the first, in order, and returns the global norm of
/// the sums. There must be at least one shard, and all must have the same shapes and dtypes.
double add_up(std::span<Tensors> shards);

/// The factor min(1, limit / norm) that clips gradients of this global norm (Pascanu et al. 2013,
/// algorithm 1). Optimizer::step takes it, which saves a pass over the gradients.
inline double clipping_factor(double norm, double limit) {
  // The small term keeps the factor finite; PyTorch adds the same.
  return std::min(1.0, limit / (norm + 1e-6));
}

}  // namespace adjoint::nn
