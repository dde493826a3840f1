// How the learning rate changes over a run, and when a run stops.
#pragma once

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "autograd/support/error.h"
#include "nn/saving/checkpoint.h"

namespace adjoint::nn {

// ---- Watching a validation figure, to stop early or to lower the learning rate ------------------

/// What the best figure is: the lowest for a loss, the highest for BLEU.
enum class Goal { lowest, highest };

/// When Patience ends.
struct PatienceOptions {
  Index patience = 5;  ///< patience ends with this many figures in a row without a new best
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

// ---- The learning rate --------------------------------------------------------------------------

/// How the learning rate changes over the steps.
struct ScheduleOptions {
  /// During a warm-up of W steps the factor rises linearly to 1: (s+1)/W at step s. Then follows:
  ///
  ///   constant      1
  ///   linear        1 − p, where p rises from 0 at step W to 1 at step `total`, and stays there
  ///   cosine        (1 + cos πp) / 2          (Loshchilov and Hutter 2017, equation 5, one period)
  ///   inverse-sqrt  √(W / (s+1)), where W counts as at least 1. With a learning rate of
  ///                 1/√(width · W) this is the schedule of Vaswani et al. 2017, equation 3.
  ///   plateau       1, multiplied by `decay` whenever `patience` validation losses in a row
  ///                 to beat the lowest by more than `margin`
  ///
  /// linear, cosine and plateau never fall below `floor`.
  std::string name = "constant";
  Index warm_up = 0, total = 0;
  double floor = 0;
  double decay = 0.5;
  Index patience = 3;
  double margin = 0;
};

/// The names above.
const std::vector<std::string>& schedule_names();

/// The factor on the learning rate at each step:
///
///   optimizer.set_learning_rate(optimizer.initial_learning_rate() * schedule(optimizer.steps()));
///   trainer.step(…);
class Schedule {
 public:
  /// Error for an unknown name, a negative warm-up, a floor or decay outside [0, 1], and a linear
  /// or cosine schedule that does not end after its warm-up.
  explicit Schedule(const ScheduleOptions& options = {});

  /// The factor at a step, counted from 0.
  double operator()(Index step) const;
  /// Takes a validation loss, which only plateau uses.
  void observe(double loss);

  void state(State& visit);

 private:
  ScheduleOptions options_;
  Patience plateau_;
  double scale_ = 1;  // plateau's factor
};

}  // namespace adjoint::nn
