// How the learning rate changes over a run.
#pragma once

#include <string>
#include <vector>

#include "nn/training/patience.h"

namespace adjoint::nn {

struct ScheduleOptions {
  /// What follows the warm-up, W steps in which the factor rises evenly to 1, (s+1)/W at step s:
  ///
  ///   constant      1
  ///   linear        1 − p, where p goes from 0 to 1 between the steps W and `total` and stays
  ///   cosine        (1 + cos πp) / 2          (Loshchilov and Hutter 2017, equation 5, one period)
  ///   inverse-sqrt  √(W / (s+1)). With a learning rate of 1/√(width · W) this is the schedule of
  ///                 Vaswani et al. 2017, equation 3. W counts as 1 if it is 0.
  ///   plateau       1, and `decay` times as much whenever `patience` validation losses in a row
  ///                 are no new lowest by more than `margin`
  ///
  /// Of linear, cosine and plateau no less than `floor` is left.
  std::string name = "constant";
  Index warm_up = 0, total = 0;
  double floor = 0;
  double decay = 0.5;
  Index patience = 3;
  double margin = 0;
};

/// The names above.
const std::vector<std::string>& schedule_names();

/// The factor on the learning rate from step to step:
///
///   optimizer.set_learning_rate(optimizer.initial_learning_rate() * schedule(optimizer.steps()));
///   trainer.step(…);
class Schedule {
 public:
  /// Error for another name, a negative warm-up, a floor or decay that is no share, and a linear or
  /// cosine fall that does not end after the warm-up.
  explicit Schedule(const ScheduleOptions& options = {});

  /// The factor at a step, counted from 0.
  double operator()(Index step) const;
  /// A validation loss. Only plateau listens.
  void observe(double loss);

  void state(State& visit);

 private:
  double after_warm_up(Index step) const;

  ScheduleOptions options_;
  Patience plateau_;
  double scale_ = 1;  // of plateau
};

}  // namespace adjoint::nn
