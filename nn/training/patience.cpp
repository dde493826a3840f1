#include "nn/training/patience.h"

#include <cmath>
#include <limits>

#include "autograd/support/error.h"

namespace adjoint::nn {

Patience::Patience(const PatienceOptions& options)
    : options_(options),
      best_(options.goal == Goal::lowest ? std::numeric_limits<double>::infinity()
                                         : -std::numeric_limits<double>::infinity()) {
  require(options.patience >= 1, "patience: must be at least 1, got ", options.patience);
  require(std::isfinite(options.margin) && options.margin >= 0,
          "patience: the margin must be at least 0 and finite, got ", options.margin);
}

bool Patience::observe(double figure) {
  const bool better = options_.goal == Goal::lowest ? figure < best_ - options_.margin
                                                    : figure > best_ + options_.margin;
  if (better) best_ = figure;
  since_best_ = better ? 0 : since_best_ + 1;
  return better;
}

void Patience::state(State& visit) {
  visit.fixed("goal", options_.goal == Goal::lowest ? "lowest" : "highest");
  visit.fixed("patience", options_.patience).fixed("margin", options_.margin);
  visit("best", best_)("since_best", since_best_);
}

}  // namespace adjoint::nn
