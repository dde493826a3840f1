// How the learning rate changes over a run.
#pragma once

#include <algorithm>

#include "autograd/shape.h"

namespace adjoint::nn {

/// The factor on the learning rate at a step, counted from 0: it rises evenly to 1 over the first
/// `warm_up` steps and then falls evenly to 0 at step `total`. With total = 0 it stays at 1.
struct LinearSchedule {
  Index warm_up = 0, total = 0;

  double operator()(Index step) const {
    const auto ratio = [](Index a, Index b) {
      return static_cast<double>(a) / static_cast<double>(b);
    };
    if (step < warm_up) return ratio(step + 1, warm_up);
    if (total <= warm_up) return 1;
    return std::max(0.0, ratio(total - step, total - warm_up));
  }
};

}  // namespace adjoint::nn
