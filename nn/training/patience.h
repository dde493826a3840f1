// Watching a validation figure, to stop early or to lower the learning rate.
#pragma once

#include "nn/saving/checkpoint.h"

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
  explicit Patience(const PatienceOptions& options = {});

  /// Returns whether the figure is a new best.
  bool observe(double figure);
  bool ended() const { return since_best_ >= options_.patience; }
  /// Restarts the count; the best so far remains the one to beat.
  void renew() { since_best_ = 0; }

  /// Before the first figure: infinity, of whichever sign is worst.
  double best() const { return best_; }
  Index since_best() const { return since_best_; }

  void state(State& visit);

 private:
  PatienceOptions options_;
  double best_;
  Index since_best_ = 0;
};

}  // namespace adjoint::nn
