// Watching a validation figure: when to stop early, or to lower the learning rate.
#pragma once

#include "nn/saving/training_state.h"

namespace adjoint::nn {

enum class Goal { lowest, highest };  ///< of a loss, of BLEU

struct PatienceOptions {
  /// How many figures in a row may fail to be a new best; with the last of them patience ends.
  Index patience = 5;
  Goal goal = Goal::lowest;
  double margin = 0;  ///< by how much a figure has to beat the best so far
};

/// Remembers the best figure so far and how many have come since. NaN is never the best. Early
/// stopping (Prechelt 1998) asks it after each validation:
///
///   if (patience.observe(loss)) save_parameters(model, best_path);
///   if (patience.ended()) break;
class Patience {
 public:
  /// Error unless the patience is at least 1 and the margin a number from 0.
  explicit Patience(const PatienceOptions& options = {});

  /// Whether the figure is a new best.
  bool observe(double figure);
  bool ended() const { return since_best_ >= options_.patience; }
  /// Counts from here on again; the best so far stays the one to beat.
  void renew() { since_best_ = 0; }

  /// Infinity, of the sign that is worst, when no figure has come yet.
  double best() const { return best_; }
  Index since_best() const { return since_best_; }

  void state(State& visit);

 private:
  PatienceOptions options_;
  double best_;
  Index since_best_ = 0;
};

}  // namespace adjoint::nn
