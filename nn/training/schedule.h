// How the learning rate changes over a run.
#pragma once

#include <string>
#include <vector>

#include "nn/training/patience.h"

namespace adjoint::nn {

struct ScheduleOptions {
  /// During a warm-up of W steps the factor rises evenly to 1: (s+1)/W at step s. Then follows:
  ///
  ///   constant      1
  ///   linear        1 − p, where p rises from 0 at step W to 1 at step `total`, and stays there
  ///   cosine        (1 + cos πp) / 2          (Loshchilov and Hutter 2017, equation 5, one period)
  ///   inverse-sqrt  √(W / (s+1)), where W counts as at least 1. With a learning rate of
  ///                 1/√(width · W) this is the schedule of Vaswani et al. 2017, equation 3.
  ///   plateau       1, multiplied by `decay` whenever `patience` validation losses in a row fail
  ///   to
  ///                 beat the lowest by more than `margin`
  ///
  /// linear, cosine and plateau fall to `floor`, no lower.
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
