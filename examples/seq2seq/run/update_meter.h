// How far a training step moves the weights.
#pragma once

#include <span>

#include "nn/module.h"

namespace adjoint::seq2seq {

/// How far a step moves the weights, relative to their size.
class UpdateMeter {
 public:
  explicit UpdateMeter(const nn::Module& module);

  /// The parts of the model that are measured, such as "encoder.blocks.0".
  const std::vector<std::string>& groups() const { return groups_; }
  /// Remembers the weights.
  void before_step();
  /// ‖Δw‖ / ‖w‖ since then, of each group and then of all weights; w are the weights before.
  std::vector<double> ratios() const;

 private:
  Tensors parameters_;
  std::vector<std::vector<double>> before64_;  // of f64 parameters
  std::vector<std::vector<float>> before32_;   // of f32 parameters
  std::vector<std::string> groups_;
  std::vector<std::size_t> group_of_;  // by parameter
};

}  // namespace adjoint::seq2seq
