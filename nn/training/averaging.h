// Averages of weights: along a run, or over checkpoints.
#pragma once

#include <filesystem>
#include <span>

#include "nn/saving/checkpoint.h"

namespace adjoint::nn {

/// The exponential moving average of a model's parameters. At update t = 1, 2, …
///
///   w̄ ← w̄ + α (w − w̄),   α = (1−δ) / (1−δᵗ)
///
/// This is w̄ ← δ w̄ + (1−δ) w started at zero, with its initial bias corrected (Kingma and Ba
/// 2015, section 7.2): after one update w̄ = w.
class MovingAverage {
 public:
  /// Keeps handles of the parameters, which swap() edits. Error unless 0 ≤ δ < 1.
  MovingAverage(Tensors parameters, double decay);

  /// Call it after each step of the optimizer.
  void update();
  /// Exchanges the parameters' values with the average's. Error before the first update.
  void swap();

  void state(State& visit);

 private:
  Tensors parameters_, average_;
  double decay_;
  Index updates_ = 0;
};

/// During its lifetime the model has the averaged weights, to validate, decode or save with
/// them. Do not take a training step or save a state meanwhile.
class WithAverage {
 public:
  explicit WithAverage(MovingAverage& average) : average_(average) { average_.swap(); }
  ~WithAverage() { average_.swap(); }
  WithAverage(const WithAverage&) = delete;
  WithAverage& operator=(const WithAverage&) = delete;

 private:
  MovingAverage& average_;
};

/// The mean of several checkpoints of one model, tensor by tensor. It is computed in f64 and has
/// the dtypes of the checkpoints and the metadata of the last. (Vaswani et al. 2017, section 6.1,
/// average the last 5 to 20.) Error, naming file and tensor, if there is no checkpoint, if names,
/// shapes or dtypes differ, or if a tensor is neither f32 nor f64.
SafeTensors average_checkpoints(std::span<const std::filesystem::path> paths);

}  // namespace adjoint::nn
