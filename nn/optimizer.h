// Optimizers: from gradients to better parameters.
#pragma once

#include <memory>

#include "autograd/error.h"
#include "autograd/tensor.h"

namespace adjoint::nn {

/// The error of gradients that are NaN or infinite: a step would destroy the parameters. The same
/// run under a DetectAnomaly guard (autograd/anomaly.h) says where it went wrong.
class NotFinite : public Error {
  using Error::Error;
};
/// NotFinite, named after the function, unless the gradients' global norm is finite.
void require_finite(const char* function, double norm);

/// √Σ g² over all elements of all gradients.
double global_norm(const Tensors& gradients);
/// Scales all gradients by one factor so that their global norm is at most `limit`, in place, and
/// returns the norm from before (Pascanu et al. 2013, algorithm 1). NotFinite when that is not.
double clip_by_global_norm(Tensors& gradients, double limit);

/// Holds the parameters it is made for and edits them in place.
class Optimizer {
 public:
  explicit Optimizer(Tensors parameters) : parameters_(std::move(parameters)) {}
  virtual ~Optimizer() = default;

  /// One step; gradients in the order of the parameters. Error when one has another shape or type.
  void step(const Tensors& gradients);
  /// Steps taken so far.
  Index steps() const { return steps_; }
  double learning_rate() const { return rate_; }
  void set_learning_rate(double rate) { rate_ = rate; }

 protected:
  /// Updates parameter number i.
  virtual void update(std::size_t i, Tensor& parameter, const Tensor& gradient) = 0;
  /// Zeros like each parameter.
  Tensors zeros_like_parameters() const;

  double rate_ = 0;
  Index steps_ = 0;

 private:
  Tensors parameters_;
};

/// w ← w − η v with v ← μ v + g; without momentum (μ = 0) w ← w − η g. (Sutskever et al. 2013,
/// equation 1, with the learning rate outside of v, as most software has it.)
class Sgd : public Optimizer {
 public:
  Sgd(Tensors parameters, double learning_rate, double momentum = 0);

 private:
  void update(std::size_t i, Tensor& parameter, const Tensor& gradient) override;

  double momentum_;
  Tensors velocities_;
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
  void update(std::size_t i, Tensor& parameter, const Tensor& gradient) override;

  AdamOptions options_;
  Tensors first_moments_, second_moments_;
};

/// Adam with decoupled weight decay, by default 0.01 as in the paper's software.
class AdamW : public Adam {
 public:
  explicit AdamW(Tensors parameters, AdamOptions options = {.weight_decay = 0.01})
      : Adam(std::move(parameters), options) {}
};

}  // namespace adjoint::nn
