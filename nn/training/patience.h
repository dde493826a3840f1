// Watching a validation figure, to stop early or to lower the learning rate.
#pragma once

#include <cmath>
#include <limits>

#include "autograd/support/error.h"
#include "nn/saving/training_state.h"

namespace adjoint::nn {

enum class Goal { lowest, highest };  ///< lowest for a loss, highest for BLEU

struct PatienceOptions {
  Index patience = 5;  ///< patience ends with this many figures in a row that are no new best
  Goal goal = Goal::lowest;
  double margin = 0;  ///< by how much a figure must beat the best so far
};

/// Remembers the best figure so far and how many figures have followed it. NaN is never the best.
/// For early stopping (Prechelt 1998), ask it after each validation:
///
///   if (patience.observe(loss)) save_parameters(model, best_path);
///   if (patience.ended()) break;
class Patience {
 public:
  /// Error unless the patience is at least 1 and the margin is finite and at least 0.
  explicit Patience(const PatienceOptions& options = {})
      : options_(options),
        best_(std::numeric_limits<double>::infinity() * (options.goal == Goal::lowest ? 1 : -1)) {
    require(options.patience >= 1, "patience: must be at least 1, got ", options.patience);
    require(std::isfinite(options.margin) && options.margin >= 0,
            "patience: the margin must be at least 0 and finite, got ", options.margin);
  }

  /// Returns whether the figure is a new best.
  bool observe(double figure) {
    const bool better = options_.goal == Goal::lowest ? figure < best_ - options_.margin
                                                      : figure > best_ + options_.margin;
    if (better) best_ = figure;
    since_best_ = better ? 0 : since_best_ + 1;
    return better;
  }
  bool ended() const { return since_best_ >= options_.patience; }
  /// Restarts the count; the best so far remains the one to beat.
  void renew() { since_best_ = 0; }

  /// Before the first figure: infinity, of whichever sign is worst.
  double best() const { return best_; }
  Index since_best() const { return since_best_; }

  void state(State& visit) {
    visit.fixed("goal", options_.goal == Goal::lowest ? "lowest" : "highest");
    visit.fixed("patience", options_.patience).fixed("margin", options_.margin);
    visit("best", best_)("since_best", since_best_);
  }

 private:
  PatienceOptions options_;
  double best_;
  Index since_best_ = 0;
};

}  // namespace adjoint::nn
