#include "examples/experiments/questions.h"

namespace adjoint::experiments {

const std::vector<Experiment>& all_experiments() {
  static const std::vector<Experiment> all = {
      positions(),  learned_or_fixed(), joining(), orthogonality(), precision(),     placement(),
      head_order(), heads_major(),      span(),    scaling(),       softmax_scale(), traps()};
  return all;
}

}  // namespace adjoint::experiments
