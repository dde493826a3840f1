// f, evaluated once and recorded, at copies of the inputs: f may edit what it is given.
#pragma once

#include <vector>

#include "autograd/gradcheck/flat_function.h"

namespace adjoint::checking {

struct RecordedRun {
  Tensors xs, ys;                      ///< all inputs and outputs
  Tensors real_xs, real_ys;            ///< those that are differentiated
  std::vector<std::size_t> positions;  ///< of the real_ys among the ys

  /// `tracked`, if given, says which real inputs need a gradient. Error, f's own, or if an output
  /// is empty.
  RecordedRun(const Function& f, const Tensors& values, const std::vector<char>& tracked = {});

  /// One vector for each of the real_xs. A cotangent may have another real type than its output.
  std::vector<Vector> gradients(const Tensors& cotangents, bool create_graph = false) const;

  /// Random normal, one for each of the real_ys, with numbers that f32 can hold.
  Tensors random_cotangents(Key key) const;
};

}  // namespace adjoint::checking
