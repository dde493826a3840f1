// Optimizers: from gradients to better parameters.
#pragma once

#include <array>

#include "nn/gradients.h"

namespace adjoint::nn {

/// Some elements of a parameter, as an update rule sees them.
template <Real T>
struct Run {
  Index count;
  T* parameter;
  const T* gradient;
  T scale;  ///< what the gradient is to be multiplied with
  /// What the rule remembers from step to step, at first zero: so many numbers for each element as
  /// the optimizer has asked for.
  std::array<T*, 2> memory;
};
using AnyRun = std::variant<Run<float>, Run<double>>;

/// Holds the parameters it is made for and edits them in place.
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  /// One step; gradients in the order of the parameters, each multiplied with `scale` on the way
  /// (clipping_factor). Error when one has another shape or type than its parameter.
  void step(const Tensors& gradients, double scale = 1);
  /// Steps taken so far.
  Index steps() const { return steps_; }
  double learning_rate() const { return rate_; }
  void set_learning_rate(double rate) { rate_ = rate; }

 protected:
  Optimizer(Tensors parameters, double learning_rate, std::size_t memories);

  /// Updates some elements. Several threads do so at once.
  virtual void update(const AnyRun& run) const = 0;

 private:
  Tensors parameters_;
  std::vector<Tensors> memories_;  // each like the parameters
  double rate_;
  Index steps_ = 0;
};

/// w ← w − η v with v ← μ v + g; without momentum (μ = 0) w ← w − η g. (Sutskever et al. 2013,
/// equation 1, with the learning rate outside of v, as most software has it.)
class Sgd : public Optimizer {
 public:
  Sgd(Tensors parameters, double learning_rate, double momentum = 0);

 private:
  void update(const AnyRun& run) const override;

  double momentum_;
};

struct AdamOptions {
  double learning_rate = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;  ///< of AdamW; Adam has none
};

/// m ← β₁m + (1−β₁)g,  v ← β₂v + (1−β₂)g²,  w ← w − η m̂ / (√v̂ + ε) with m̂ = m/(1−β₁ᵗ), v̂ =
/// v/(1−β₂ᵗ). (Kingma and Ba 2015, algorithm 1.) With weight decay λ, w ← (1 − ηλ) w first: AdamW
/// (Loshchilov and Hutter 2019, algorithm 2).
class Adam : public Optimizer {
 public:
  Adam(Tensors parameters, const AdamOptions& options = {});

 private:
  void update(const AnyRun& run) const override;

  AdamOptions options_;
};

/// Adam with decoupled weight decay, by default 0.01 as in the paper's software.
class AdamW : public Adam {
 public:
  explicit AdamW(Tensors parameters, AdamOptions options = {.weight_decay = 0.01})
      : Adam(std::move(parameters), options) {}
};

}  // namespace adjoint::nn
