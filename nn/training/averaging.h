// Averages of weights: along a run, or of checkpoints.
#pragma once

#include <filesystem>
#include <span>

#include "nn/saving/checkpoint.h"
#include "nn/saving/training_state.h"

namespace adjoint::nn {

/// The exponential moving average of a model's parameters, update t = 1, 2, …:
///
///   w̄ ← w̄ + α (w − w̄),   α = (1−δ) / (1−δᵗ)
///
/// which is w̄ ← δ w̄ + (1−δ) w begun at zero and corrected for that (Kingma and Ba 2015,
/// section 7.2): after one update w̄ = w, and no beginning has to be forgotten.
class MovingAverage {
 public:
  /// Keeps the parameters, and edits them in swap(). Error unless 0 ≤ δ < 1.
  MovingAverage(Tensors parameters, double decay);

  /// After each step of the optimizer.
  void update();
  /// Exchanges the parameters' values with the average's. Error before the first update.
  void swap();

  void state(State& visit);

 private:
  Tensors parameters_, average_;
  double decay_;
  Index updates_ = 0;
};

/// While it lives, the model has the averaged weights: to validate, decode or save it with them.
/// Not for a step, nor for saving the state of the run.
class WithAverage {
 public:
  explicit WithAverage(MovingAverage& average) : average_(average) { average_.swap(); }
  ~WithAverage() { average_.swap(); }
  WithAverage(const WithAverage&) = delete;
  WithAverage& operator=(const WithAverage&) = delete;

 private:
  MovingAverage& average_;
};

/// The mean of several checkpoints of one model, tensor by tensor, computed in f64, in the tensors'
/// own type and with the metadata of the last. (Vaswani et al. 2017, section 6.1, average the last
/// 5 to 20.) Error, naming file and tensor, when there is none, when names, shapes or types differ,
/// and for a tensor that is neither f32 nor f64.
SafeTensors average_checkpoints(std::span<const std::filesystem::path> paths);

}  // namespace adjoint::nn
